use uuid::Uuid;

/// Longest id.
pub const ID_CHARS_MAX: usize = 64;

/// Path segments of the API that an id must not take.
const RESERVED: [&str; 5] = ["registrations", "verify", "bulk", "me", "metrics"];

/// Checks an id that the caller chose.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn check(id: &str) -> Result<(), String> {
    let starts_well = id.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    let sane = id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    if id.len() > ID_CHARS_MAX || !starts_well || !sane || id.contains("..") {
        return Err(format!(
            "An id is 1 to {ID_CHARS_MAX} letters, digits, '_', '.' and '-', begins with a letter or digit and has no \"..\"."
        ));
    }
    if RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(id)) {
        return Err(format!("The id {id:?} is reserved: {} are parts of paths.", RESERVED.join(", ")));
    }
    Ok(())
}

/// Draws an id: a UUID whose order is that of creation.
pub fn generate() -> String {
    Uuid::now_v7().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_plain_and_no_part_of_a_path() {
        for good in ["a", "trunk_jkt_04", "A.b-c_d", "0", &"x".repeat(64), &generate()] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["", "_a", ".a", "-a", "a..b", "a b", "a/b", "ä", "bulk", "Verify", "me", &"x".repeat(65), "a\0"] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }
}
