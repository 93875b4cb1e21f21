//! A `package.json`, on however many lines: JSON with the place of each character, which a parser would forget.

use super::lines::{Line, Spot, text};

/// A text, with where it ends.
fn string(spots: &[Spot]) -> (Line, usize) {
    let mut content = Line::new();
    let mut at = 1;
    while let Some(spot) = spots.get(at).filter(|spot| spot.c != '"') {
        let escaped = spots.get(at + 1).filter(|_| spot.c == '\\');
        match escaped {
            Some(Spot { c: 'u', .. }) => {
                let digits = text(&spots[(at + 2).min(spots.len())..(at + 6).min(spots.len())]);
                let c = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                content.push(Spot { c: c.unwrap_or(char::REPLACEMENT_CHARACTER), ..*spot });
                at += 6;
            }
            Some(next) => {
                let c = match next.c {
                    'n' | 'r' => '\n',
                    't' => '\t',
                    c => c,
                };
                content.push(Spot { c, ..*next });
                at += 2;
            }
            None => {
                content.push(*spot);
                at += 1;
            }
        }
    }
    (content, (at + 1).min(spots.len()))
}

/// The values of the map `scripts` of the outermost one.
pub fn scripts(lines: &[Line]) -> Vec<Line> {
    let spots: Vec<Spot> = lines.iter().flatten().copied().collect();
    let mut scripts = Vec::new();
    let (mut depth, mut at) = (0usize, 0);
    let (mut within, mut key, mut named) = (false, String::new(), false);
    while let Some(spot) = spots.get(at) {
        at += 1;
        match spot.c {
            '"' => {
                let (content, length) = string(&spots[at - 1..]);
                at += length - 1;
                match (named, depth) {
                    (true, 2) if within => scripts.push(content),
                    (false, 1) => key = text(&content),
                    _ => {}
                }
            }
            ':' => named = true,
            ',' => named = false,
            '{' | '[' => {
                within |= depth == 1 && named && key == "scripts";
                depth += 1;
                named = false;
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                within &= depth > 1;
                named = false;
            }
            _ => {}
        }
    }
    scripts
}
