use std::process::ExitCode;

use diagnosis::Stage;

/// How `trunkline verify` ends; the numbers are documented and stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Proved, or learned.
    Good,
    /// The command line is wrong.
    Usage,
    /// Stopped at a stage.
    At(Stage),
    /// A signal.
    Interrupted,
}

impl Exit {
    /// Returns the number.
    pub fn number(self) -> u8 {
        match self {
            Exit::Good => 0,
            Exit::Usage => 2,
            Exit::At(Stage::Form) => 10,
            Exit::At(Stage::Policy) => 11,
            Exit::At(Stage::Network) => 12,
            Exit::At(Stage::Challenge) => 13,
            Exit::At(Stage::Digest) => 14,
            Exit::At(Stage::Binding) => 15,
            Exit::At(Stage::Carrier) => 16,
            // A warning refuses nothing, so it ends nothing.
            Exit::At(Stage::Warning) => 0,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.number())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    const GUIDE: &str = include_str!("../../../../docs/guide/verify.md");

    #[test]
    fn help_and_guide_name_every_number() {
        let mut cli = Cli::command();
        let verify = cli.find_subcommand_mut("verify").expect("verify");
        let help = verify.render_long_help().to_string();
        let all = [Stage::Form, Stage::Policy, Stage::Network, Stage::Challenge, Stage::Digest, Stage::Binding, Stage::Carrier];
        for stage in all {
            let number = Exit::At(stage).number();
            assert!(help.contains(&format!("\n  {number}   {stage}:")), "{stage}: {help}");
            assert!(GUIDE.contains(&format!("\n| {number} | {stage} |")), "{stage} is not in the guide");
        }
        for other in [Exit::Good, Exit::Usage, Exit::Interrupted] {
            assert!(help.lines().any(|line| line.trim_start().starts_with(&format!("{} ", other.number()))), "{other:?}");
            assert!(GUIDE.contains(&format!("\n| {} | ", other.number())), "{other:?} is not in the guide");
        }
        for flag in verify.get_arguments().filter_map(clap::Arg::get_long).filter(|flag| *flag != "help") {
            assert!(GUIDE.contains(&format!("`--{flag}")), "--{flag} is not in the guide");
        }
    }
}
