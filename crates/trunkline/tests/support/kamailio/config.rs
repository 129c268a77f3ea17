//! The configuration that a test's Kamailio runs with.

use std::net::SocketAddr;
use std::path::Path;

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
    /// Listens on `::1` in place of an IPv4 address.
    pub ipv6: bool,
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
            ipv6: false,
        }
    }
}

/// The modules, in the order in which they need one another.
const MODULES: &[&str] =
    &["jsonrpcs", "ctl", "kex", "tm", "sl", "pv", "maxfwd", "textops", "siputils", "xlog", "htable", "usrloc", "registrar", "auth"];

/// The whole configuration file.
pub fn text(options: &Options, address: SocketAddr, control: SocketAddr, folder: &Path) -> String {
    let modules: String = MODULES.iter().map(|name| format!("loadmodule \"{name}.so\"\n")).collect();
    let folder = folder.display();
    let Options { realm, nonce_expire, expires_max, expires_min, .. } = options;
    let algorithm = options.algorithm.name();
    let unknown = if options.knows_users { UNKNOWN_USER } else { "" };
    format!(
        r#"#!KAMAILIO
debug=2
log_stderror=yes
fork=yes
children=2
disable_tcp=yes
auto_aliases=no
dns=no
rev_dns=no
use_dns_cache=off
listen=udp:{address}
{modules}
modparam("jsonrpcs", "transport", 4)
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
modparam("auth", "nonce_count", 1)
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
{unknown}    if (!has_credentials("{realm}")) {{
        $var(rc) = -5;
    }} else if (pv_www_authenticate("{realm}", "$sht(password=>$au)", "0")) {{
        $var(rc) = 1;
    }} else {{
        $var(rc) = $rc;
    }}
    route(SEEN);
    if ($var(rc) == 1) {{
        consume_credentials();
        save("location");
        exit;
    }}
    if ($var(rc) == -2) {{ $var(n) = $shtinc(failed=>$au); }}
    if ($var(rc) == -4 || $var(rc) == -6) {{
        www_challenge("{realm}", "17");
    }} else {{
        www_challenge("{realm}", "1");
    }}
}}

route[SEEN] {{
    xlog("L_NOTICE", "{MARK}$TV(Sn)|$tU|$var(rc)|$ci|$cs|$hdr(Contact)|$hdr(Authorization)\n");
}}
"#
    )
}

const UNKNOWN_USER: &str = r#"    if ($sht(password=>$tU) == $null && $sht(password=>$au) == $null) {
        $var(rc) = 404;
        route(SEEN);
        t_reply("404", "Not Found");
        exit;
    }
"#;
