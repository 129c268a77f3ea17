//! Who plays: sites, carriers, trunks.

use carrier::{Account, Challenge, Config, Registrar, Temperament};

use super::address::Addresses;

/// A site and its edge.
pub struct Site {
    pub id: &'static str,
    pub name: &'static str,
    pub region: &'static str,
    pub time_zone: &'static str,
    pub edge: &'static str,
}

/// The sites.
pub const SITES: [Site; 4] = [
    Site { id: "singapore", name: "Singapore", region: "ap-southeast-1", time_zone: "Asia/Singapore", edge: "edge_sgp_1" },
    Site { id: "tokyo", name: "Tokyo", region: "ap-northeast-1", time_zone: "Asia/Tokyo", edge: "edge_tyo_1" },
    Site { id: "sydney", name: "Sydney", region: "ap-southeast-2", time_zone: "Australia/Sydney", edge: "edge_syd_1" },
    Site { id: "jakarta", name: "Jakarta", region: "ap-southeast-3", time_zone: "Asia/Jakarta", edge: "edge_jkt_1" },
];

/// A carrier whose trunks have been running for long: SHA-256 all of them.
pub struct Established {
    pub carrier: &'static str,
    pub name: &'static str,
    pub site: &'static str,
    /// Domain and realm.
    pub realm: &'static str,
    /// Its trunks are `{trunks}_01` and so on.
    pub trunks: &'static str,
    /// The number of the first trunk; the others follow.
    pub first_number: u64,
}

/// The carriers of Singapore, Tokyo and Sydney.
pub const ESTABLISHED: [Established; 3] = [
    Established {
        carrier: "merlion",
        name: "Merlion",
        site: "singapore",
        realm: "ims.merlion.example",
        trunks: "trunk_sgp",
        first_number: 6_531_500_001,
    },
    Established {
        carrier: "sakura",
        name: "Sakura",
        site: "tokyo",
        realm: "ims.sakura.example",
        trunks: "trunk_tyo",
        first_number: 81_345_500_001,
    },
    Established {
        carrier: "southern",
        name: "Southern",
        site: "sydney",
        realm: "ims.southern.example",
        trunks: "trunk_syd",
        first_number: 61_255_500_001,
    },
];

/// So many trunks each of them has.
pub const TRUNKS_EACH: u64 = 5;

/// The new carrier in Jakarta.
pub const NUSANTARA: &str = "nusantara";
/// Its realm and domain.
pub const REALM: &str = "ims.nusantara.example";
/// The trunk of the story.
pub const TRUNK: &str = "trunk_jkt_04";
/// Its number, which is its user name too.
pub const USER: &str = "6221500004";
/// The password that it is registered with when the story begins.
pub const OLD_PASSWORD: &str = "jkt-04-old-4711";
/// The password on the carrier's new sheet.
pub const NEW_PASSWORD: &str = "jkt-04-new-0815";

/// A trunk of an established carrier: its id, its number, its password.
pub fn trunk(of: &Established, place: u64) -> (String, String, String) {
    let number = of.first_number + place;
    (format!("{}_{:02}", of.trunks, place + 1), number.to_string(), format!("{}-{number}", of.carrier))
}

/// The lab carriers.
///
/// Nusantara takes the old password until the new one is used for the first time, as carriers do while a customer moves: so the old
/// credentials keep their binding alive until the moment of rotation, and nothing that worked stops working before that.
pub fn lab(addresses: &mut Addresses) -> Config {
    let sha256 = Temperament { challenges: vec![Challenge::of("SHA-256")], ..Temperament::default() };
    let mut registrars: Vec<Registrar> = Vec::new();
    for of in &ESTABLISHED {
        let accounts = (0..TRUNKS_EACH).map(|place| {
            let (_, number, password) = trunk(of, place);
            Account::new(number, password)
        });
        registrars.push(Registrar {
            listen: vec![addresses.next(5070).into()],
            domains: vec![of.realm.into()],
            accounts: accounts.collect(),
            temperament: sha256.clone(),
            ..Registrar::new(of.carrier, of.realm)
        });
    }
    let account = Account { old_passwords: vec![OLD_PASSWORD.into()], retire_old_on_use: true, ..Account::new(USER, NEW_PASSWORD) };
    registrars.push(Registrar {
        listen: vec![addresses.next(5070).into()],
        domains: vec![REALM.into()],
        accounts: vec![account],
        ..Registrar::new(NUSANTARA, REALM)
    });
    Config { seed: 1, registrars }
}
