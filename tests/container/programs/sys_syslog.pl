# Perl's own module for syslog, in the ways that programs use it: sys_syslog.pl SOCKET. The first one is /dev/log's.
use strict;
use warnings;
use Sys::Syslog qw(:DEFAULT setlogsock);

sub say_it {
    my ($text) = @_;
    openlog("perl-app", "ndelay,pid", "local0");
    syslog("warning", "%s", $text);
    closelog();
}

setlogsock("native");
say_it("native");
setlogsock("unix");
say_it("unix");
setlogsock({ type => "unix", path => $ARGV[0] });
say_it("unix with a path");
openlog("perl-app", "", "user");
syslog("info", "without a pid\n");
