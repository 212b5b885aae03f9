//! What the tools write on a terminal: with colours, and not wider than it is.

use super::{DELETED, with_pack};
use crate::support::host;

/// Runs the arguments on a terminal of so many columns, and prints what it showed. Python has what a terminal takes.
const ON_TERMINAL: &str = r#"
import fcntl, os, pty, struct, sys, termios
columns, arguments = int(sys.argv[1]), sys.argv[2:]
process, terminal = pty.fork()
if process == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    os.execv(arguments[0], arguments)
while True:
    try:
        shown = os.read(terminal, 65536)
    except OSError:
        break
    if not shown:
        break
    sys.stdout.buffer.write(shown)
os.waitpid(process, 0)
"#;

/// Drops the escape sequences of colours.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain += before;
        rest = after.split_once('m').map_or("", |(_, after)| after);
    }
    plain + rest
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for (columns, arguments) in [
        (80, &["explain", "guest.careless", "event.json", "--rules", "pack"] as &[&str]),
        (80, &["test", "pack", "--mutate", "--attack", "--coverage"]),
        (80, &["bench", "pack"]),
        (80, &["inspect", "pack/dist/careless.wasm"]),
        (80, &["check", "pack"]),
        (60, &["test", "pack", "--mutate"]),
    ] {
        let run = with_pack(arguments, "careless").file("event.json", DELETED);
        let mut python = std::process::Command::new("python3");
        python.args(["-c", ON_TERMINAL, &columns.to_string()]).arg(host()).args(arguments);
        let output = python.current_dir(run.folder()).env("TERM", "xterm").output().expect("python3 runs");
        let shown = String::from_utf8(output.stdout).expect("UTF-8");
        let text = plain(&shown).replace('\r', "");
        assert!(text.lines().count() >= 2, "{arguments:?}: {text}");
        for line in text.lines() {
            assert!(line.chars().count() <= columns, "{arguments:?}, wider than {columns}: {line}");
        }
        let colored = arguments[0] == "check" || shown.contains("\u{1b}[");
        assert!(colored, "{arguments:?} shows no colour on a terminal: {shown:?}");
    }
}
