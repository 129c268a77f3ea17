//! The configuration that a test's Kamailio runs with.

use std::net::SocketAddr;
use std::path::Path;

use carrier::certificates::Identity;

use super::super::digest::Algorithm;
use super::seen::MARK;

/// What a test may choose.
#[derive(Clone, Debug)]
pub struct Options {
    /// The realm of its challenges.
    pub realm: String,
    /// The algorithm of its challenges.
    pub algorithm: Algorithm,
    /// Seconds for which a nonce is good.
    pub nonce_expire: u32,
    /// The longest binding that it grants, in seconds.
    pub expires_max: u32,
    /// The shortest binding that it grants, in seconds.
    pub expires_min: u32,
    /// Answers 404 before any challenge to users that it does not know.
    pub knows_users: bool,
    /// Offers `qop="auth"`; without it as RFC 2069 did.
    pub qop: bool,
    /// Statements before a REGISTER is looked at.
    pub first: &'static str,
    /// Statements after a right digest, before the binding is saved.
    pub then: &'static str,
    /// Listens on `::1` in place of an IPv4 address.
    pub ipv6: bool,
    /// Listens for TCP and TLS too, each with WebSocket on the same port.
    pub streams: Option<Streams>,
}

/// What a Kamailio on TCP and TLS shows and demands.
#[derive(Clone, Debug)]
pub struct Streams {
    /// Its certificate.
    pub identity: Identity,
    /// It demands a client certificate that this root (PEM) leads to.
    pub client_root: Option<String>,
}

/// Where it listens.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// SIP over UDP, and over TCP and WebSocket if there are streams.
    pub plain: SocketAddr,
    /// SIP over TLS and over secure WebSocket.
    pub secured: SocketAddr,
    /// JSON-RPC.
    pub control: SocketAddr,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            realm: "kamailio.test".to_owned(),
            algorithm: Algorithm::Md5,
            nonce_expire: 300,
            expires_max: 3600,
            expires_min: 1,
            knows_users: true,
            qop: true,
            first: "",
            then: "",
            ipv6: false,
            streams: None,
        }
    }
}

/// The modules, in the order in which they need one another.
const MODULES: &[&str] =
    &["jsonrpcs", "ctl", "kex", "tm", "sl", "pv", "maxfwd", "textops", "siputils", "xlog", "htable", "usrloc", "registrar", "auth"];

/// `tls` wants to be loaded before what may use libssl.
const FIRST_OF_STREAMS: &[&str] = &["tls"];
const MODULES_OF_STREAMS: &[&str] = &["xhttp", "websocket"];

/// The whole configuration file; certificates are written beside it.
pub fn text(options: &Options, addresses: Addresses, folder: &Path) -> String {
    let of_streams = options.streams.is_some();
    let names = FIRST_OF_STREAMS.iter().filter(|_| of_streams).chain(MODULES).chain(MODULES_OF_STREAMS.iter().filter(|_| of_streams));
    let modules: String = names.map(|name| format!("loadmodule \"{name}.so\"\n")).collect();
    let Addresses { plain: address, control, .. } = addresses;
    let (listens, websocket) = match &options.streams {
        Some(streams) => (listens(streams, addresses, folder), WEBSOCKET),
        None => ("disable_tcp=yes\n".to_owned(), ""),
    };
    let folder = folder.display();
    let of_tls = if of_streams { format!("modparam(\"tls\", \"config\", \"{folder}/tls.cfg\")\n") } else { String::new() };
    let Options { realm, nonce_expire, expires_max, expires_min, first, then, .. } = options;
    // Without qop there is no count.
    let (qop, stale, counts) = if options.qop { (1, 17, 1) } else { (0, 16, 0) };
    let algorithm = options.algorithm.name();
    let unknown = if options.knows_users { UNKNOWN_USER } else { "" };
    format!(
        r#"#!KAMAILIO
debug=2
log_stderror=yes
fork=yes
children=2
auto_aliases=no
dns=no
rev_dns=no
use_dns_cache=off
listen=udp:{address}
{listens}{modules}
{of_tls}modparam("jsonrpcs", "transport", 4)
modparam("jsonrpcs", "pretty_format", 0)
modparam("jsonrpcs", "dgram_socket", "udp:{control}")
modparam("ctl", "binrpc", "unix:{folder}/ctl")
modparam("htable", "htable", "password=>size=10;")
modparam("htable", "htable", "registers=>size=10;initval=0;")
modparam("htable", "htable", "failed=>size=10;initval=0;")
modparam("usrloc", "db_mode", 0)
modparam("usrloc", "timer_interval", 1)
modparam("registrar", "default_expires", {expires_max})
modparam("registrar", "max_expires", {expires_max})
modparam("registrar", "min_expires", {expires_min})
modparam("auth", "nonce_expire", {nonce_expire})
modparam("auth", "qop", "auth")
modparam("auth", "nonce_count", {counts})
modparam("auth", "nc_array_order", 17)
modparam("auth", "algorithm", "{algorithm}")

request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("OPTIONS")) {{ sl_send_reply("200", "OK"); exit; }}
    if (!is_method("REGISTER")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
    # A transaction first: it absorbs retransmissions, so that each count is of requests, not of datagrams.
    if (!t_newtran()) {{ exit; }}
    $var(n) = $shtinc(registers=>$tU);
    $var(rc) = 0;
    {first}
{unknown}    if (!has_credentials("{realm}")) {{
        $var(rc) = -5;
    }} else if (pv_www_authenticate("{realm}", "$sht(password=>$au)", "0")) {{
        $var(rc) = 1;
    }} else {{
        $var(rc) = $rc;
    }}
    route(SEEN);
    if ($var(rc) == 1) {{
        {then}
        consume_credentials();
        save("location");
        exit;
    }}
    if ($var(rc) == -2) {{ $var(n) = $shtinc(failed=>$au); }}
    if ($var(rc) == -4 || $var(rc) == -6) {{
        www_challenge("{realm}", "{stale}");
    }} else {{
        www_challenge("{realm}", "{qop}");
    }}
}}

route[SEEN] {{
    xlog("L_NOTICE", "{MARK}$TV(Sn)|$pr|$sp|$tU|$var(rc)|$ci|$cs|$hdr(Contact)|$hdr(Authorization)\n");
}}
{websocket}"#
    )
}

/// The global settings of TCP and TLS.
fn listens(streams: &Streams, addresses: Addresses, folder: &Path) -> String {
    let Addresses { plain, secured, .. } = addresses;
    let (chain, key) = streams.identity.write(folder, "server").expect("certificate");
    let (chain, key) = (chain.display(), key.display());
    let demanded = streams.client_root.as_ref().map(|root| {
        let file = folder.join("clients.pem");
        std::fs::write(&file, root).expect("client roots");
        format!("ca_list = {}\nverify_certificate = yes\nrequire_certificate = yes\n", file.display())
    });
    let demanded = demanded.unwrap_or_else(|| "verify_certificate = no\nrequire_certificate = no\n".to_owned());
    let profile = format!(
        "[server:default]\nmethod = TLSv1.2+\ncertificate = {chain}\nprivate_key = {key}\n{demanded}\n[client:default]\nverify_certificate = no\n"
    );
    std::fs::write(folder.join("tls.cfg"), profile).expect("TLS profile");
    format!(
        "enable_tls=yes\ntcp_children=2\ntcp_connection_lifetime=3610\ntcp_accept_no_cl=yes\nlisten=tcp:{plain}\nlisten=tls:{secured}\n"
    )
}

/// RFC 7118 4: the handshake is HTTP on a port that speaks SIP otherwise.
const WEBSOCKET: &str = r#"
event_route[xhttp:request] {
    set_reply_close();
    set_reply_no_connect();
    if ($hdr(Upgrade) =~ "websocket" && $hdr(Connection) =~ "Upgrade" && $rm =~ "GET") {
        if (ws_handle_handshake()) { exit; }
    }
    xhttp_reply("404", "Not Found", "", "");
}
"#;

const UNKNOWN_USER: &str = r#"    if ($sht(password=>$tU) == $null && $sht(password=>$au) == $null) {
        $var(rc) = 404;
        route(SEEN);
        t_reply("404", "Not Found");
        exit;
    }
"#;
