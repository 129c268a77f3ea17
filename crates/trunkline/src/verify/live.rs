use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use edge::Counters;
use indicatif::{ProgressBar, ProgressStyle};

/// What is seen while the carrier is asked: on standard error, a line that moves on a terminal, and plain lines elsewhere.
pub struct Live {
    shown: Shown,
    began: Instant,
    patience: Duration,
    phase: Option<Phase>,
}

enum Shown {
    Moving(ProgressBar),
    Lines,
    Nothing,
}

/// How far it has come, as far as what was counted tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    LookingUp,
    Connecting,
    Asking,
    Answered,
}

impl Live {
    /// Begins; `quiet` says nothing on anything but a terminal.
    pub fn begin(quiet: bool, patience: Duration) -> Live {
        let shown = if io::stderr().is_terminal() {
            let style = ProgressStyle::with_template("  {spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
            let bar = ProgressBar::new_spinner().with_style(style);
            bar.enable_steady_tick(Duration::from_millis(80));
            Shown::Moving(bar)
        } else if quiet {
            Shown::Nothing
        } else {
            Shown::Lines
        };
        Live { shown, began: Instant::now(), patience, phase: None }
    }

    /// Shows how far it has come.
    pub fn show(&mut self, registrar: &str, connected: bool, counted: &Counters) {
        let phase = match (counted.received, counted.sent) {
            (0, 0) => Phase::LookingUp,
            (0, _) if connected && counted.connections_opened == 0 => Phase::Connecting,
            (0, _) => Phase::Asking,
            (_, _) => Phase::Answered,
        };
        let text = match phase {
            Phase::LookingUp => format!("resolve    looking for the address of {registrar}"),
            Phase::Connecting => format!("connect    opening a connection to {registrar}"),
            Phase::Asking => format!("ask        OPTIONS and REGISTER are out, no answer yet{}", again(counted.retransmissions)),
            Phase::Answered => {
                format!("answer     {} messages out, {} back{}", counted.sent, counted.received, again(counted.retransmissions))
            }
        };
        match &self.shown {
            Shown::Moving(bar) => {
                let (spent, most) = (self.began.elapsed().as_secs_f32(), self.patience.as_secs());
                bar.set_message(format!("{text}  {spent:.1} of {most} s"));
            }
            Shown::Lines if self.phase != Some(phase) => {
                // Nowhere else to say it.
                let _ = writeln!(io::stderr(), "  {text}");
            }
            Shown::Lines | Shown::Nothing => {}
        }
        self.phase = Some(phase);
    }

    /// Ends; nothing is left on a terminal.
    pub fn end(self) {
        if let Shown::Moving(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

fn again(times: u64) -> String {
    match times {
        0 => String::new(),
        1 => ", one sent again".to_owned(),
        many => format!(", {many} sent again"),
    }
}
