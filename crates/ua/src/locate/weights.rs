//! RFC 2782: how weights order servers of one priority.

use crate::chance::Jitter;

/// Orders servers of one priority by their weights, by the draws of `chance`.
///
/// Each place goes to one of those left with the probability of its share; weight 0 among others has the least chance there is, and
/// servers that all have weight 0 are equal.
pub fn order<T>(mut servers: Vec<T>, weight: impl Fn(&T) -> u16, chance: &mut Jitter) -> Vec<T> {
    // "In any order": any order but a drawn one would favour somebody.
    for at in (1..servers.len()).rev() {
        let other = usize::try_from(chance.up_to(at as u64)).unwrap_or(at);
        servers.swap(at, other);
    }
    servers.sort_by_key(|server| weight(server) > 0);
    let mut ordered = Vec::with_capacity(servers.len());
    while servers.len() > 1 {
        let sum: u64 = servers.iter().map(|server| u64::from(weight(server))).sum();
        let drawn = chance.up_to(sum);
        let mut running = 0;
        let chosen = servers.iter().position(|server| {
            running += u64::from(weight(server));
            running >= drawn
        });
        ordered.push(servers.remove(chosen.unwrap_or(0)));
    }
    ordered.append(&mut servers);
    ordered
}
