r"""JSON objects and their fields: what well-known loggers write, and what nobody should."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.costs import cost
from udsd.field_names import settable
from udsd.formats import json as format_json
from udsd.formats import text
from udsd.formats.text import MOST_FIELDS, Problem, trimmed
from udsd.journal.entry import Field, Fields

BOM = b"\xef\xbb\xbf"


def entry(priority: int, said: bytes, *others: Field) -> list[Field]:
    return [("PRIORITY", b"%d" % priority), *others, ("MESSAGE", said)]


def whole(payload: bytes, *others: Field, priority: int = 6) -> tuple[bytes, Fields]:
    """An object without a message, which is the message then."""
    return payload, entry(priority, payload, *others)


LOGGERS: dict[str, tuple[bytes, Fields]] = {
    "python-json-logger": (
        b'{"message": "hello", "asctime": "2026-11-25 02:51:11,123", "levelname": "WARNING", "name": "a", "lineno": 7}',
        entry(4, b"hello", ("ASCTIME", b"2026-11-25 02:51:11,123"), ("NAME", b"a"), ("LINENO", b"7")),
    ),
    "udsd-send --json": (
        b'{"MESSAGE": "hello", "PRIORITY": "3", "SYSLOG_IDENTIFIER": "tag", "LEVEL": "7", "MSG": "more"}',
        entry(3, b"hello", ("SYSLOG_IDENTIFIER", b"tag"), ("LEVEL", b"7"), ("MSG", b"more")),
    ),
    "python-json-logger, with numbers": (
        b'{"message": "hello", "levelno": 40, "exc_info": "Traceback\\n  x"}',
        entry(3, b"hello", ("EXC_INFO", b"Traceback\n  x")),
    ),
    "structlog": (
        b'{"event": "user.login", "level": "warning", "timestamp": "2026-11-25T02:51:11Z", "user_id": 7}',
        entry(4, b"user.login", ("TIMESTAMP", b"2026-11-25T02:51:11Z"), ("USER_ID", b"7")),
    ),
    "loguru": (
        b'{"text": "hello\\n", "record": {"level": {"name": "ERROR", "no": 40}, "message": "hello", "exception":null}}',
        entry(
            3,
            b"hello",
            *(
                ("TEXT", b"hello\n"),
                ("RECORD_LEVEL_NAME", b"ERROR"),
                ("RECORD_LEVEL_NO", b"40"),
                ("RECORD_MESSAGE", b"hello"),
            ),
        ),
    ),
    "pino": (
        b'{"level":30,"time":1531171074631,"pid":657,"hostname":"vm","msg":"hello"}\n',
        entry(6, b"hello", ("TIME", b"1531171074631"), ("PID", b"657"), ("HOSTNAME", b"vm")),
    ),
    "pino, an error": (
        b'{"level":50,"time":1,"err":{"type":"Error","message":"boom","stack":"Error: boom\\n  at x"},"msg":"boom"}\n',
        entry(
            3,
            b"boom",
            *(
                ("TIME", b"1"),
                ("ERR_TYPE", b"Error"),
                ("ERR_MESSAGE", b"boom"),
                ("ERR_STACK", b"Error: boom\n  at x"),
            ),
        ),
    ),
    "bunyan": (
        b'{"name":"app","hostname":"vm","pid":1,"level":60,"msg":"hi","time":"2026-11-25T02:51:11.123Z","v":0}\n',
        entry(
            2,
            b"hi",
            *(("NAME", b"app"), ("HOSTNAME", b"vm"), ("PID", b"1"), ("TIME", b"2026-11-25T02:51:11.123Z"), ("V", b"0")),
        ),
    ),
    "winston": (
        b'{"level":"silly","message":"hello","service":"user-service"}',
        entry(7, b"hello", ("SERVICE", b"user-service")),
    ),
    "winston, a level between": (b'{"level":"http","message":"GET /"}', entry(6, b"GET /", ("LEVEL", b"http"))),
    "zap": (
        b'{"level":"info","ts":1764039071.1234567,"caller":"main/main.go:12","msg":"hello","url":"x","backoff":1.50}\n',
        entry(
            6,
            b"hello",
            *(("TS", b"1764039071.1234567"), ("CALLER", b"main/main.go:12"), ("URL", b"x"), ("BACKOFF", b"1.50")),
        ),
    ),
    "zap, dpanic": (
        b'{"level":"dpanic","ts":1.7640390711e+09,"msg":"x","stacktrace":"main.main\\n\\t/a.go:1"}\n',
        entry(2, b"x", ("TS", b"1.7640390711e+09"), ("STACKTRACE", b"main.main\n\t/a.go:1")),
    ),
    "logrus": (
        b'{"animal":"walrus","level":"warning","msg":"hello","time":"2026-11-25T02:51:11+01:00"}\n',
        entry(4, b"hello", ("ANIMAL", b"walrus"), ("TIME", b"2026-11-25T02:51:11+01:00")),
    ),
    "logrus, with names that clash": (
        b'{"fields.msg":"mine","level":"fatal","msg":"hello"}\n',
        entry(2, b"hello", ("FIELDS_MSG", b"mine")),
    ),
    "GELF 1.1, its example": (
        b'{"version": "1.1", "host": "example.org", "short_message": "A short message that helps you identify what is '
        b'going on", "full_message": "Backtrace here\\n\\nmore stuff", "timestamp": 1385053862.3072, "level": 1, '
        b'"_user_id": 9001, "_some_info": "foo", "_some_env_var": "bar"}',
        entry(
            1,
            b"A short message that helps you identify what is going on",
            *(("VERSION", b"1.1"), ("HOST", b"example.org"), ("FULL_MESSAGE", b"Backtrace here\n\nmore stuff")),
            *(("TIMESTAMP", b"1385053862.3072"), ("USER_ID", b"9001"), ("SOME_INFO", b"foo"), ("SOME_ENV_VAR", b"bar")),
        ),
    ),
    "GELF without a level": (
        b'{"version":"1.1","host":"h","short_message":"x"}\0',
        entry(6, b"x", ("VERSION", b"1.1"), ("HOST", b"h")),
    ),
    "zerolog": (
        b'{"level":"error","error":"boom","time":1764039071,"message":"hello"}\n',
        entry(3, b"hello", ("ERROR", b"boom"), ("TIME", b"1764039071")),
    ),
    "zerolog without a level": (b'{"time":1,"message":"hello"}\n', entry(6, b"hello", ("TIME", b"1"))),
    "slog": (
        b'{"time":"2026-11-25T02:51:11.1Z","level":"WARN","msg":"hello","req":{"method":"GET","n":2}}\n',
        entry(4, b"hello", ("TIME", b"2026-11-25T02:51:11.1Z"), ("REQ_METHOD", b"GET"), ("REQ_N", b"2")),
    ),
    "slog, a level between": (b'{"level":"DEBUG-4","msg":"x"}\n', entry(7, b"x")),
    "slog, a level above": (b'{"level":"ERROR+4","msg":"x"}\n', entry(3, b"x")),
    "log4j, JsonLayout": (
        b'{"instant":{"epochSecond":1,"nanoOfSecond":2},"thread":"main","level":"FATAL","loggerName":"a.B",'
        b'"message":"x","endOfBatch":false,"contextMap":{}}\r\n',
        entry(
            2,
            b"x",
            *(("INSTANT_EPOCHSECOND", b"1"), ("INSTANT_NANOOFSECOND", b"2"), ("THREAD", b"main")),
            *(("LOGGERNAME", b"a.B"), ("ENDOFBATCH", b"false")),
        ),
    ),
    "logback, LogstashEncoder": (
        b'{"@timestamp":"2026","@version":"1","message":"x","logger_name":"a.B","level":"TRACE","level_value":5000}\n',
        entry(7, b"x", ("TIMESTAMP", b"2026"), ("VERSION", b"1"), ("LOGGER_NAME", b"a.B"), ("LEVEL_VALUE", b"5000")),
    ),
    "java.util.logging, Tomcat's": (
        b'{"time": "2026", "level": "SEVERE", "thread": "main", "class": "a.B", "method": "c", "message": "x"}',
        entry(3, b"x", ("TIME", b"2026"), ("THREAD", b"main"), ("CLASS", b"a.B"), ("METHOD", b"c")),
    ),
    "Serilog, JsonFormatter": whole(
        b'{"Timestamp":"2026","Level":"Information","MessageTemplate":"Hi {Who}","Properties":{"Who":"you"}}\n',
        *(("TIMESTAMP", b"2026"), ("MESSAGETEMPLATE", b"Hi {Who}"), ("PROPERTIES_WHO", b"you")),
    ),
    "Serilog, compact": (b'{"@t":"2026","@m":"Hi you","@l":"Error"}', entry(3, b"Hi you", ("T", b"2026"))),
    ".NET, AddJsonConsole": (
        b'{"EventId":0,"LogLevel":"Critical","Category":"a.B","Message":"x","State":{"Message":"x","{OriginalFormat}":"x"}}',
        entry(
            2,
            b"x",
            *(("EVENTID", b"0"), ("CATEGORY", b"a.B"), ("STATE_MESSAGE", b"x"), ("STATE__ORIGINALFORMAT_", b"x")),
        ),
    ),
    "NLog": (b'{"time":"2026","level":"WARN","message":"x"}', entry(4, b"x", ("TIME", b"2026"))),
    "Monolog": (
        b'{"message":"x","context":{"user":7},"level":200,"level_name":"INFO","channel":"app","datetime":"2026","extra":[]}',
        entry(
            6,
            b"x",
            *(("CONTEXT_USER", b"7"), ("LEVEL_NAME", b"INFO"), ("CHANNEL", b"app"), ("DATETIME", b"2026")),
        ),
    ),
    "Elastic Common Schema": (
        b'{"@timestamp":"2026","log.level":"warn","message":"x","ecs":{"version":"1.6.0"},"log":{"logger":"a"},'
        b'"process":{"thread":{"name":"main"}}}\n',
        entry(
            4,
            b"x",
            *(
                ("TIMESTAMP", b"2026"),
                ("ECS_VERSION", b"1.6.0"),
                ("LOG_LOGGER", b"a"),
                ("PROCESS_THREAD_NAME", b"main"),
            ),
        ),
    ),
    "Google Cloud": (
        b'{"severity":"ALERT","message":"x","logging.googleapis.com/labels":{"a-b":"c"},"httpRequest":{"status":200}}',
        entry(1, b"x", ("LOGGING_GOOGLEAPIS_COM_LABELS_A_B", b"c"), ("HTTPREQUEST_STATUS", b"200")),
    ),
    "Google Cloud, default": (b'{"severity":"DEFAULT","message":"x"}', entry(6, b"x", ("SEVERITY", b"DEFAULT"))),
    "tracing (Rust)": (
        b'{"timestamp":"2026","level":"ERROR","fields":{"message":"x","n":1},"target":"app"}\n',
        entry(3, b"x", ("TIMESTAMP", b"2026"), ("FIELDS_MESSAGE", b"x"), ("FIELDS_N", b"1"), ("TARGET", b"app")),
    ),
    "journalctl -o json": (
        b'{"PRIORITY":"3","MESSAGE":"x","_PID":"7","__CURSOR":"s","SYSLOG_IDENTIFIER":"app","_UID":"0"}\n',
        entry(3, b"x", ("PID", b"7"), ("CURSOR", b"s"), ("SYSLOG_IDENTIFIER", b"app"), ("UID", b"0")),
    ),
}
LOGGERS = {
    name: (payload, [(field, trimmed(value)) if value == payload else (field, value) for field, value in fields])
    for name, (payload, fields) in LOGGERS.items()
}

TABLE: dict[str, tuple[bytes, Fields]] = {
    "nothing": whole(b"{}"),
    "a message": (b'{"message":"x"}', entry(6, b"x")),
    "an empty message": (b'{"message":""}', entry(6, b'{"message":""}', ("MESSAGE_2", b""))),
    "an empty message, and another": (b'{"message":" ","msg":"x"}', entry(6, b"x", ("MESSAGE_2", b" "))),
    "a level twice": (b'{"level":"error","level":"info","msg":"x"}', entry(3, b"x", ("LEVEL", b"info"))),
    "message goes before msg": (b'{"msg":"a","message":"b"}', entry(6, b"b", ("MSG", b"a"))),
    "msg goes before short_message": (b'{"short_message":"a","msg":"b"}', entry(6, b"b", ("SHORT_MESSAGE", b"a"))),
    "a message that is an object": (b'{"message":{"a":1},"msg":"b"}', entry(6, b"b", ("MESSAGE_A", b"1"))),
    "a message that is null": (b'{"message":null,"msg":"b"}', entry(6, b"b")),
    "a message that is true": (b'{"message":true,"msg":"b"}', entry(6, b"b", ("MESSAGE_2", b"true"))),
    "a message that is an array": whole(b'{"message":["a","b"]}', ("MESSAGE_2", b"a"), ("MESSAGE_2", b"b")),
    "a message that is a number": (b'{"message":1.50}', entry(6, b"1.50")),
    "two messages": (b'{"message":"a","message":"b"}', entry(6, b"b", ("MESSAGE_2", b"a"))),
    "names without regard to case": (b'{"Message":"a","LEVEL":"Error"}', entry(3, b"a")),
    "a message with control characters": (b'{"msg":"a\\n\\u0000\\u001b[2J\\tb\\n"}', entry(6, b"a\n\0\x1b[2J\tb\n")),
    # Values.
    "numbers as they were written": whole(
        b'{"a":1.50,"b":1e5,"c":-0,"d":1E+400,"e":0.1}',
        *(("A", b"1.50"), ("B", b"1e5"), ("C", b"-0"), ("D", b"1E+400"), ("E", b"0.1")),
    ),
    "a huge number": whole(b'{"a":' + b"1" * 5000 + b"}", ("A", b"1" * 5000)),
    "what is no number": whole(
        b'{"a":NaN,"b":Infinity,"c":-Infinity}', ("A", b"NaN"), ("B", b"Infinity"), ("C", b"-Infinity")
    ),
    "true, false, null": whole(b'{"a":true,"b":false,"c":null}', ("A", b"true"), ("B", b"false")),
    "a text that looks like them": whole(b'{"a":"True","b":"null"}', ("A", b"True"), ("B", b"null")),
    "an empty text": whole(b'{"a":""}', ("A", b"")),
    "an array": whole(b'{"a":[1,"b",null,true,[2,[3]]]}', *(("A", v) for v in (b"1", b"b", b"true", b"2", b"3"))),
    "an empty array and object": whole(b'{"a":[],"b":{},"c":[{},[]]}'),
    "an array of objects": whole(b'{"a":[{"b":1},{"b":2,"c":3}]}', ("A_B", b"1"), ("A_B", b"2"), ("A_C", b"3")),
    "nested": whole(b'{"a":{"b":{"c":1},"d":2}}', ("A_B_C", b"1"), ("A_D", b"2")),
    "not ASCII": whole('{"a":"ä日\U0001f600"}'.encode(), ("A", "ä日\U0001f600".encode())),
    "escaped": whole(b'{"a":"\\u00e4\\ud83d\\ude00\\/"}', ("A", "ä\U0001f600/".encode())),
    "half of a surrogate pair": whole(b'{"a":"x\\ud800y"}', ("A", b"x\\ud800y")),
    "half of a surrogate pair in the message": (b'{"msg":"x\\udc00"}', entry(6, b"x\\udc00")),
    # Names.
    "a name twice": whole(b'{"a":1,"a":2}', ("A", b"1"), ("A", b"2")),
    "names that come out the same": whole(
        b'{"a-b":1,"a_b":2,"a":{"b":3},"A.B":4}', ("A_B", b"1"), ("A_B_2", b"2"), ("A_B_3", b"3"), ("A_B_4", b"4")
    ),
    "names of fields that are there already": (
        b'{"level":"x","severity":3,"priority":7,"message":"m","MESSAGE":"n"}',
        entry(3, b"n", ("LEVEL", b"x"), ("PRIORITY_2", b"7"), ("MESSAGE_2", b"m")),
    ),
    "names that a sender may not set": whole(
        b'{"_UID":1,"OBJECT_PID":2,"coredump_x":3,"unit":4,"USER_UNIT":5,"INVOCATION_ID":6,"udsd_socket":7,"object":{"pid":8}}',
        *(("UID", b"1"), ("X_OBJECT_PID", b"2"), ("X_COREDUMP_X", b"3"), ("X_UNIT", b"4"), ("X_USER_UNIT", b"5")),
        *(("X_INVOCATION_ID", b"6"), ("X_UDSD_SOCKET", b"7"), ("X_OBJECT_PID_2", b"8")),
    ),
    "names of nothing": whole(
        b'{"":1,"_":2,"a":{"":3,"b":{"":4}},"":{"":5}}',
        *(("X_", b"1"), ("X__2", b"2"), ("A_", b"3"), ("A_B_", b"4"), ("X__3", b"5")),
    ),
    "a name that is no text": whole(b'{"\\ud800a":1,"\\u0000":2}', ("A", b"1"), ("X_", b"2")),
    "names not in ASCII": whole('{"größe":1,"日本":2}'.encode(), ("GR_SSE", b"1"), ("X_", b"2")),
    "a name with a line of its own": whole(b'{"a\\nPRIORITY=0\\n":1}', ("A_PRIORITY_0_", b"1")),
    "long names": whole(
        b'{"' + b"a" * 64 + b'":1,"' + b"a" * 65 + b'":2,"b":{"' + b"c" * 70 + b'":3}}',
        *(("A" * 64, b"1"), ("A" * 59 + "_2", b"2"), ("B_" + "C" * 62, b"3")),
    ),
    # Around the object.
    "a BOM": (BOM + b'{"msg":"x"}', entry(6, b"x")),
    "a line end": (b'{"msg":"x"}\n', entry(6, b"x")),
    "a line end and NULs": (b'{"msg":"x"}\n\0\0', entry(6, b"x")),
    "a NUL": (b'{"msg":"x"}\0', entry(6, b"x")),
    "blanks": (b' \t\r\n{ "msg" : "x" } \r\n', entry(6, b"x")),
    "a line end behind what is the message": (b'{"a":1}\n', entry(6, b'{"a":1}', ("A", b"1"))),
    # Limits.
    "as deep as there may be": whole(b'{"a":' * 32 + b"1" + b"}" * 32, ("A" + "_A" * 31, b"1")),
    "arrays as deep as there may be": whole(b'{"a":' + b"[" * 31 + b"1" + b"]" * 31 + b"}", ("A", b"1")),
    "as many as there may be": whole(
        b"{" + b",".join(b'"p%d":%d' % (n, n) for n in range(MOST_FIELDS - 2)) + b"}",
        *((f"P{n}", b"%d" % n) for n in range(MOST_FIELDS - 2)),
    ),
    "as many values as there may be": whole(
        b'{"a":[' + b",".join([b"1"] * (MOST_FIELDS - 2)) + b"]}", *[("A", b"1")] * (MOST_FIELDS - 2)
    ),
    "as many members as there may be": whole(b"{" + b",".join([b'"a":null'] * MOST_FIELDS) + b"}"),
}

LEVELS: dict[str, int] = {
    **dict.fromkeys(['"emerg"', '"emergency"', '"EMERGENCY"', "0", '"0"'], 0),
    **dict.fromkeys(['"alert"', "1"], 1),
    **dict.fromkeys(['"crit"', '"critical"', '"fatal"', '"panic"', '"dpanic"', "2", "60", "99"], 2),
    **dict.fromkeys(['"err"', '"error"', '"Error"', '" error "', '"severe"', "3", "50", "59"], 3),
    **dict.fromkeys(['"warn"', '"warning"', '"WARN"', '"warn+1"', "4", "40"], 4),
    **dict.fromkeys(['"notice"', "5"], 5),
    **dict.fromkeys(['"info"', '"Information"', '"informational"', "6", "30", "35", '"30"'], 6),
    **dict.fromkeys(['"debug"', '"trace"', '"verbose"', '"silly"', '"finest"', '"config"', "7", "10", "20"], 7),
}
MONOLOGS = {"100": 7, "200": 6, "250": 5, "300": 4, "400": 3, "500": 2, "550": 1, "600": 0}
PYTHONS = {"10": 7, "5": 7, "20": 6, "25": 6, "30": 4, "40": 3, "50": 2, "60": 2}
NOT_LEVELS = [
    *(
        '"x"',
        '""',
        '"-1"',
        '"8"',
        "8",
        "9",
        "-1",
        "1.0",
        "3e0",
        "601",
        "1000",
        "9" * 5000,
        "NaN",
        "true",
        "false",
        "null",
    ),
    *("[3]", "{}", '"\\u0663"', '"\\u00b3"', '"info-ish"', '"+1"', '"error+"', '"3 "', '"\\ud800"'),
]

MALFORMED: dict[str, tuple[bytes, str]] = {
    "text": (b"hello\n", "not JSON: Expecting value: line 1 column 1 (char 0)"),
    "a line end": (b"\n", "not JSON: Expecting value: line 2 column 1 (char 1)"),
    "a BOM": (BOM, "not JSON: Expecting value: line 1 column 1 (char 0)"),
    "NULs": (b"\0\0", "not JSON: Expecting value: line 1 column 1 (char 0)"),
    "a NUL before it": (b'\0{"a":1}', "not JSON: Expecting value: line 1 column 1 (char 0)"),
    "cut": (b'{"msg":"x"', "not JSON: Expecting ',' delimiter: line 1 column 11 (char 10)"),
    "cut within a text": (b'{"msg":"x', "not JSON: Unterminated string starting at: line 1 column 8 (char 7)"),
    "two objects": (b'{"a":1}{"b":2}', "not JSON: Extra data: line 1 column 8 (char 7)"),
    "two lines": (b'{"a":1}\n{"b":2}\n', "not JSON: Extra data: line 2 column 1 (char 8)"),
    "a comma too many": (
        b'{"a":1,}',
        "not JSON: Expecting property name enclosed in double quotes: line 1 column 8 (char 7)",
    ),
    "single quotes": (
        b"{'a':1}",
        "not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
    ),
    "a newline in a text": (b'{"a":"\n"}', "not JSON: Invalid control character at: line 1 column 7 (char 6)"),
    "a bad escape": (b'{"a":"\\x"}', "not JSON: Invalid \\escape: line 1 column 7 (char 6)"),
    "invalid UTF-8": (b'{"a":"\xff"}', "not UTF-8: at byte 6"),
    "a surrogate in UTF-8": (b'{"a":"\xed\xa0\x80"}', "not UTF-8: at byte 6"),
    "UTF-16": ('{"a":1}'.encode("utf-16"), "not UTF-8: at byte 0"),
    "an array": (b'[{"a":1}]', "not a JSON object"),
    "a string": (b'"a"', "not a JSON object"),
    "a number": (b"1", "not a JSON object"),
    "null": (b"null\n", "not a JSON object"),
    "too deep by one": (b'{"a":' * 33 + b"1" + b"}" * 33, "nested too deep: more than 32 levels"),
    "too deep by one, and nothing in it": (b'{"a":' * 33 + b"null" + b"}" * 33, "nested too deep: more than 32 levels"),
    "arrays too deep by one": (b'{"a":' + b"[" * 32 + b"1" + b"]" * 32 + b"}", "nested too deep: more than 32 levels"),
    "more than Python's limit, objects": (
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        "nested too deep: more than 32 levels",
    ),
    "more than Python's limit, arrays": (b"[" * 100_000 + b"]" * 100_000, "nested too deep: more than 32 levels"),
    "more than Python's limit, and cut": (b'{"a":' + b"[" * 100_000, "nested too deep: more than 32 levels"),
    "too many by one": (
        b"{" + b",".join(b'"p%d":1' % n for n in range(MOST_FIELDS - 1)) + b"}",
        "too many fields: more than 128",
    ),
    "too many values by one": (
        b'{"a":[{}' + b",1" * (MOST_FIELDS - 1) + b"]}",
        "too many fields: more than 128",
    ),
    "too many members by one": (
        b"{" + b",".join([b'"a":null'] * (MOST_FIELDS + 1)) + b"}",
        "too many fields: more than 128",
    ),
}

# What costs the most for its size: each is to be read in no time worth mentioning.
COSTLY: dict[str, bytes] = {
    "members": b"{" + b",".join([b'"":1'] * 40_000) + b"}",
    "values": b'{"a":[' + b",".join([b"1"] * 100_000) + b"]}",
    "nulls": b'{"a":[' + b",".join([b"null"] * 40_000) + b"]}",
    "empty arrays, far within": b'{"a":' * 30 + b"[" + b",".join([b"[]"] * 60_000) + b"]" + b"}" * 30,
    "names that clash": b"{" + b",".join(b'"%sa":1' % (b"-" * n) for n in range(600)) + b"}",
    "long names that clash": b"{" + b",".join(b'"%s":1' % (b"a" * n) for n in range(64, 600)) + b"}",
    "names that are numbered already": b"{"
    + b",".join(b'"a_%d":1,"a%s":1' % (n, b"-" * n) for n in range(2, 450))
    + b"}",
    "levels": b"{" + b",".join([b'"level":"' + b"+1" * 80 + b'"'] * 998) + b"}",
    "digits": b'{"level":"+' + b"1" * 200_000 + b'x"}',
    "brackets": b"[" * 200_000,
    "escapes": b'{"a":"' + b"\\ud800" * 30_000 + b'"}',
}

objects = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
usual = st.sampled_from(["message", "msg", "level", "severity", "levelno", "a", "A", "_a", "unit", "object", ""])
members = st.dictionaries(usual | st.text(max_size=5), objects, max_size=8)


@pytest.mark.parametrize(("payload", "fields"), LOGGERS.values(), ids=LOGGERS)
def test_what_loggers_write(payload: bytes, fields: Fields) -> None:
    assert format_json.parse(payload) == (list(fields), None)


@pytest.mark.parametrize(("payload", "fields"), TABLE.values(), ids=TABLE)
def test_objects(payload: bytes, fields: Fields) -> None:
    assert format_json.parse(payload) == (list(fields), None)


@pytest.mark.parametrize("name", ["level", "severity", "priority", "levelname", "log.level", "loglevel", "Level"])
@pytest.mark.parametrize(("level", "priority"), (LEVELS | MONOLOGS).items())
def test_a_level_is_the_priority(name: str, level: str, priority: int) -> None:
    number = int(level.strip('"')) if level.strip('"').isdigit() else -1
    (fields, problem) = format_json.parse(f'{{"msg":"x","{name}":{level}}}'.encode())
    assert problem is None
    if name == "loglevel" and 0 <= number < 7:  # of .NET, where 6 is none
        assert fields[0] == ("PRIORITY", (b"7", b"7", b"6", b"4", b"3", b"2", b"6")[number : number + 1][0])
    elif name == "severity" and number >= 100:  # of Google
        assert fields[0] == ("PRIORITY", b"%d" % (7, 6, 5, 4, 3, 2, 1, 0)[min(number // 100, 8) - 1])
    elif number == 0 and name != "priority":
        assert fields[0] == ("PRIORITY", b"6")
    else:
        assert fields == entry(priority, b"x")


@pytest.mark.parametrize(("level", "priority"), PYTHONS.items())
def test_a_levelno_is_one_of_pythons(level: str, priority: int) -> None:
    assert format_json.parse(f'{{"msg":"x","levelno":{level}}}'.encode()) == (entry(priority, b"x"), None)


@pytest.mark.parametrize("level", NOT_LEVELS, ids=lambda level: level[:20])
def test_a_level_that_is_not_understood_is_a_field(level: str) -> None:
    fields, _ = format_json.parse(f'{{"msg":"x","level":{level},"severity":3}}'.encode())
    assert (fields[0], fields[-1]) == (("PRIORITY", b"3"), ("MESSAGE", b"x"))
    assert {name for name, _ in fields[1:-1]} == (set() if level in ("null", "{}") else {"LEVEL"})


@pytest.mark.parametrize(("payload", "told"), MALFORMED.values(), ids=MALFORMED)
def test_what_is_malformed_is_stored_as_text(payload: bytes, told: str) -> None:
    fields, problem = format_json.parse(payload)
    assert fields == text.parse(payload)[0]
    assert problem is not None
    ((name, value),) = problem.fields()
    assert name == "UDSD_MALFORMED"
    # What json says of it may change with Python.
    assert value.decode() == told or (told.startswith("not JSON: ") and value.startswith(b"not JSON: "))
    assert (told.partition(": ")[0], 0) == (problem.kind, problem.dropped)


def _many(first: bytes, values: int = 1200) -> bytes:
    return b"{" + first + b"".join(b',"p%d":1' % n for n in range(values)) + b"}"


BUFFER = b"[" + b",".join([b"120"] * 1200) + b"]"
WILD = {
    '"log":{"level":"ERROR"}': 3, '"level":{"name":"ERROR"}': 3, '"@level":"error"': 3, '"lvl":"eror"': 3,
    '"level":"ERRO"': 3, '"level":"DEBG"': 7, '"severityText":"ERROR2"': 3, '"severityNumber":17': 3,
    '"error_severity":"PANIC"': 2, '"error_severity":"LOG"': 6, '"error_severity":"DEBUG1"': 7,
    '"level":"\\u001b[31merror\\u001b[39m"': 3, '"s":"E"': 3, '"@l":"Error"': 3, '"LogLevel":2': 6,
    '"LogLevel":5': 2, '"severity":0': 6, '"severity":400': 4, '"severity":600': 2, '"level":0': 6,
    '"logging.googleapis.com/severity":500': 3, '"log_level":"warn"': 4, '"level_name":"ERROR"': 3,
    '"level":{"level":40000,"levelStr":"ERROR"}': 3, '"record":{"level":{"name":"CRITICAL","no":50}}': 2,
    '"@fields":{"level":"error"}': 3, '"syslog":{"severity":"error"}': 3, '"context":{"logLevel":50}': 3,
    '"_meta":{"logLevelId":5,"logLevelName":"ERROR"}': 3, '"severity_text":"FATAL"': 2, '"severity_number":18': 3,
    '"severityLevel":3': 3, '"severityLevel":0': 7, '"severityLevel":4': 2, '"prio":1': 3, '"prio":0': 6, '"prio":3': 6,
    '"level":"dbug"': 7, '"level":"WRN"': 4, '"level":"FTL"': 2, '"level":"E"': 3, '"LogLevel":"fail"': 3,
    '"level":"exception"': 3, '"level":"SUCCESS"': 6, '"s":"D3"': 7, '"s":3': 6, '"s":"error"': 6, '"s":"e"': 6,
    '"record":"error"': 6, '"context":"error"': 6, '"syslog":3': 6, '"context":{"level":"error"}': 6,
}  # fmt: skip


@pytest.mark.parametrize(("member", "priority"), WILD.items())
def test_levels_in_the_wild(member: str, priority: int) -> None:
    fields, problem = format_json.parse(f'{{"msg":"x",{member}}}'.encode())
    assert (fields[0], problem) == (("PRIORITY", b"%d" % priority), None)


SAID = {
    '"renderedMessage":"x","messageTemplate":"{X}"': b"x",
    '"record":{"message":"x"},"text":"y"': b"x",
    '"fields":{"message":"x","n":1}': b"x",
    '"body":"x"': b"x",
    '"body":{"stringValue":"x"}': b"x",
    '"log":"x\\n"': b"x\n",
    '"msg":"x","body":"y","log":"z"': b"x",
    '"fields":{"message":" "},"log":"x"': b"x",
}


@pytest.mark.parametrize(("members", "said"), SAID.items())
def test_messages_in_the_wild(members: str, said: bytes) -> None:
    fields, problem = format_json.parse(f'{{"level":"error",{members}}}'.encode())
    assert (fields[0], fields[-1], problem) == (("PRIORITY", b"3"), ("MESSAGE", said), None)


LARGE = {
    "a Buffer": (b'{"level":50,"b":{"type":"Buffer","data":' + BUFFER + b'},"msg":"x"}', ("B_DATA", BUFFER)),
    "with blanks": (b'{"level":50,"b":[' + b"1, " * 300 + b'2.50 ],"msg":"x"}', ("B", b"[" + b"1, " * 300 + b"2.50 ]")),
    "texts": (b'{"level":50,"b":["\\"",' + b'"a",' * 300 + b'"]"],"msg":"x"}', None),
    "in a text": (b'{"level":50,"b":"[1,2]","c":' + BUFFER + b',"msg":"x"}', ("B", b"[1,2]")),
}


@pytest.mark.parametrize(("payload", "field"), LARGE.values(), ids=LARGE)
def test_a_large_array_is_one_field(payload: bytes, field: Field | None) -> None:
    fields, problem = format_json.parse(payload)
    assert problem is None
    assert (fields[0], fields[-1]) == (("PRIORITY", b"3"), ("MESSAGE", b"x"))
    assert (field or ("B", payload[payload.index(b"[") : payload.rindex(b"]") + 1])) in fields
    assert len({name for name, _ in fields}) == len(fields)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"level":"fatal","a":' + b"[" * 40 + b"]" * 40 + b"}",
        b'{"a":' + b"[" * 40 + b"]" * 40 + b',"level":"fatal"}',
        b'{"level":"fatal","a":' + b"[" * 60_000 + b"]" * 60_000 + b"}",
        b' { "x" : "a\\"b", "n": 1.5, "level" : "fatal", "a":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001,
        _many(b'"level":"fatal"'),
        b'{"level":"fatal","a":[{}' + b",1" * 200 + b"]}",
    ],
    ids=lambda payload: ascii(payload[:40]),
)
def test_an_object_with_too_much_in_it_keeps_its_level(payload: bytes) -> None:
    fields, problem = format_json.parse(payload)
    assert problem is not None
    assert problem.kind in ("nested too deep", "too many fields")
    assert list(fields) == entry(2, payload)


@pytest.mark.parametrize("depth", [100, 500, *range(900, 1000), 5_000, 50_000])
def test_no_depth_is_too_much(depth: int) -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")):
        _, problem = format_json.parse(b'{"a":' + opening * depth + b"1" + closing * depth + b"}")
        assert problem == Problem("nested too deep", "more than 32 levels")


@pytest.mark.parametrize("payload", COSTLY.values(), ids=COSTLY)
def test_no_object_takes_long(payload: bytes) -> None:
    assert cost(format_json.parse, payload) < 100


def values(value: object) -> list[bytes]:
    """The values in an object, as fields hold them."""
    if isinstance(value, dict):
        return [found for inner in value.values() for found in values(inner)]
    if isinstance(value, list):
        return [found for inner in value for found in values(inner)]
    if value is None:
        return []
    return [(value if isinstance(value, str) else json.dumps(value)).encode(errors="backslashreplace")]


@given(members)
def test_every_value_is_there_once(value: dict[str, object]) -> None:
    payload = json.dumps(value).encode()
    fields, problem = format_json.parse(payload)
    assert problem is None
    names = [name for name, _ in fields]
    assert (names[0], names[-1]) == ("PRIORITY", "MESSAGE")
    assert "MESSAGE" not in names[:-1]
    assert "PRIORITY" not in names[1:]
    assert all(map(settable, names))
    left = values(value)
    for _, found in fields[1:-1]:
        left.remove(found)
    said = fields[-1][1]
    if said != payload:
        left.remove(said)
    assert len(left) <= 1  # what became the priority


@given(st.binary() | st.text().map(str.encode) | objects.map(lambda value: json.dumps(value).encode()))
def test_anything_else_is_text(payload: bytes) -> None:
    fields, problem = format_json.parse(payload)
    if problem:
        assert fields == text.parse(payload)[0]
    assert problem or isinstance(json.loads(payload.rstrip(b"\0")), dict)
    assert fields[-1][0] == "MESSAGE"
