//! Every refusal is explained: a table of what can be the case, the code that says so, and what to do about it.
//!
//! One server, one lab of many carriers, each situation on a carrier and a trunk of its own, all at once: Timer F alone is 32 s.
//! docs/design/situations.md is written from what was answered; `TRUNKLINE_UPDATE=1` writes it anew.

mod page;
mod run;
pub mod situation;
pub mod table;

use std::collections::HashMap;

use situation::Seen;
use table::TABLE;

// covers: F1, F2, F3, F5, F6, F8, F9, F11, F13, F14, F15, C3, C5, C8, C11, C13, C19, C20, C21, C22, B3, B3a, B4a, B11, N2, N3, N8, N10, N12; lab
#[test]
fn what_is_the_case_has_a_code_that_says_so_and_a_remedy() {
    let told = run::all(TABLE);
    let wrong: Vec<String> = told.iter().filter_map(|told| told.fault.clone()).collect();
    assert!(wrong.is_empty(), "{} of {} situations:\n{}", wrong.len(), TABLE.len(), wrong.join("\n\n"));
    page::must_be_written(TABLE, &told);
}

#[test]
fn two_situations_that_an_operator_acts_on_differently_share_no_code() {
    let mut acts: HashMap<&str, &str> = HashMap::new();
    let mut cases: HashMap<&str, ()> = HashMap::new();
    for row in TABLE {
        assert_eq!(*acts.entry(row.code).or_insert(row.act), row.act, "{}", row.code);
        assert!(cases.insert(row.case, ()).is_none(), "{} stands twice", row.case);
        let Ok(code) = row.code.parse::<diagnosis::Code>() else { panic!("{} is not in the catalogue", row.code) };
        match row.seen {
            Seen::Refused(status) => assert_eq!(code.status(), status, "{}", row.code),
            Seen::Present | Seen::Warned => {}
        }
    }
    let mut codes: HashMap<&str, &str> = HashMap::new();
    for (code, act) in acts {
        if let Some(other) = codes.insert(act, code) {
            panic!("{code} and {other} call for the same act: {act}");
        }
    }
    assert!(TABLE.len() >= 40, "{} situations", TABLE.len());
}
