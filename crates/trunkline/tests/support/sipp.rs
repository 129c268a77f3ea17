//! SIPp as a scripted carrier: a server-side scenario on a loopback address.

use std::net::SocketAddr;
use std::process::Command;

use tempfile::TempDir;

use super::loopback;
use super::process::Process;
use super::wait::{self, secs};

/// A running scenario; ends with this value.
pub struct Sipp {
    transport: &'static str,
    address: SocketAddr,
    process: Process,
    folder: TempDir,
}

impl Sipp {
    /// Runs the body of a `<scenario>` for every Call-ID that comes over UDP.
    pub fn start(scenario: &str) -> Self {
        Self::start_on("udp", scenario)
    }

    /// The same over `udp` or `tcp`.
    fn start_on(transport: &'static str, scenario: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("sipp").tempdir().expect("temporary folder");
        let address = SocketAddr::from((loopback::next(), 5060));
        let file = folder.path().join("carrier.xml");
        let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<scenario name=\"carrier\">\n{scenario}\n</scenario>\n");
        std::fs::write(&file, text).expect("scenario");
        let mut command = Command::new("sipp");
        command.arg("-sf").arg(&file).args(["-i", &address.ip().to_string(), "-p", "5060"]);
        command.args([
            "-deadcall_wait",
            "0",
            "-nostdin",
            "-trace_stat",
            "-fd",
            "1",
            "-trace_msg",
            "-default_behaviors",
            "none",
            "-timeout_error",
        ]);
        command.args(["-t", if transport == "tcp" { "t1" } else { "u1" }]);
        command.env("TERM", "dumb").current_dir(folder.path());
        let mut process = Process::start(&command, &folder.path().join("log"));
        wait::until_true("SIPp listens", secs(20), || {
            process.must_run();
            if transport == "tcp" { std::net::TcpListener::bind(address).is_err() } else { std::net::UdpSocket::bind(address).is_err() }
        });
        Self { transport, address, process, folder }
    }

    /// A carrier that answers OPTIONS with 200, and REGISTER with `code`, at once.
    pub fn refusing(code: u16, reason: &str) -> Self {
        Self::start(&format!("{OPTIONS_OR_REGISTER}{}", answer(code, reason, "", "")))
    }

    /// A carrier that challenges (MD5, realm `sipp.test`) and answers the digest with `code`, whatever it is.
    pub fn refusing_after_challenge(code: u16, reason: &str) -> Self {
        let challenge = "      WWW-Authenticate: Digest realm=\"sipp.test\", nonce=\"0a1b2c3d4e5f\", qop=\"auth\", algorithm=MD5\n";
        Self::start(&format!(
            "{OPTIONS_OR_REGISTER}{}<recv request=\"REGISTER\"/>{}",
            answer(401, "Unauthorized", challenge, ""),
            answer(code, reason, "", "")
        ))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// As a registrar URI of a carrier profile.
    pub fn uri(&self) -> String {
        format!("sip:{};transport={}", self.address, self.transport)
    }

    /// The requests of one method that it has received, from its message trace.
    pub fn received(&self, method: &str) -> Vec<String> {
        let mut requests = Vec::new();
        for entry in std::fs::read_dir(self.folder.path()).expect("folder").flatten() {
            if !entry.file_name().to_string_lossy().ends_with("_messages.log") {
                continue;
            }
            let text = String::from_utf8_lossy(&std::fs::read(entry.path()).expect("trace")).replace("\r\n", "\n");
            let blocks = text.split("message received [").skip(1).filter_map(|block| block.split_once("\n\n"));
            requests.extend(blocks.map(|(_, message)| message.to_owned()).filter(|message| message.starts_with(&format!("{method} "))));
        }
        requests
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.process.log()
    }
}

/// The first request of a Call-ID: an OPTIONS is answered with 200 and ends the call, a REGISTER goes on.
const OPTIONS_OR_REGISTER: &str = r#"
<recv request="OPTIONS" optional="true" next="options"/>
<recv request="REGISTER" next="register"/>
<label id="options"/>
<send next="end"><![CDATA[

      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:];tag=[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      Content-Length: 0

]]></send>
<label id="register"/>
"#;

fn answer(code: u16, reason: &str, headers: &str, next: &str) -> String {
    format!(
        "<send{next}><![CDATA[\n\n      SIP/2.0 {code} {reason}\n      [last_Via:]\n      [last_From:]\n      [last_To:];tag=[call_number]\n      \
         [last_Call-ID:]\n      [last_CSeq:]\n{headers}      Content-Length: 0\n\n]]></send>\n{}",
        if next.is_empty() && code != 401 { "<label id=\"end\"/>\n" } else { "" }
    )
}

/// Takes the Contact's URI, in its brackets, for the answer.
const HEARS_CONTACT: &str = r#"<recv request="REGISTER">
<action><ereg regexp="&lt;sip:[^&gt;]*&gt;" search_in="hdr" header="Contact:" assign_to="uri"/></action>
</recv>
"#;

/// A step of a script; `[$uri]` in a header is the request's own Contact: what the next REGISTER of a Call-ID is answered with.
pub struct Says<'s>(pub u16, pub &'s str, pub &'s [&'s str]);

impl Sipp {
    /// A carrier that answers the REGISTERs of a Call-ID by a script: code, reason and header lines of each answer in order.
    pub fn saying(script: &[Says<'_>]) -> Self {
        Self::saying_on("udp", script)
    }

    /// The same over `udp` or `tcp`.
    pub fn saying_on(transport: &'static str, script: &[Says<'_>]) -> Self {
        let steps = script.iter().map(|Says(code, reason, headers)| {
            let echoes = headers.iter().any(|line| line.contains("[$uri]"));
            let headers: String = headers.iter().map(|line| format!("      {line}\n")).collect();
            let hears = if echoes { HEARS_CONTACT } else { "<recv request=\"REGISTER\"/>\n" };
            // A script goes straight on: nothing jumps to its end.
            format!("{hears}{}", answer(*code, reason, &headers, "").replace("<label id=\"end\"/>\n", ""))
        });
        Self::start_on(transport, &steps.collect::<String>())
    }
}
