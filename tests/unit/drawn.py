"""What several tests have Hypothesis draw."""

from string import ascii_uppercase, digits

from hypothesis import strategies as st

# Letters are drawn as one text: st.from_regex draws each by itself, and takes three times as long.
NAME_LETTERS = ascii_uppercase + digits + "_"

field_names = st.builds(str.__add__, st.sampled_from(ascii_uppercase), st.text(NAME_LETTERS, max_size=63))
