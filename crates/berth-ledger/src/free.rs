//! Which blocks of a pool are free: one sweep over what is closed, sorted. No step is spent on a block that is neither
//! closed nor asked for, because a supernet may hold millions of them.

use std::ops::Range;

use ipnet::Ipv4Net;

/// The free blocks of one size, in the order of the supernets, as gaps between what is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FreeBlocks {
    prefix_length: u8,
    /// Numbers of neighbouring blocks. Block `n` is the one that begins at `n` times the size of a block.
    gaps: Vec<Range<u64>>,
}

impl FreeBlocks {
    /// What is left of `supernets` without the blocks that overlap a net in `closed`.
    pub(crate) fn of(supernets: &[Ipv4Net], prefix_length: u8, closed: impl IntoIterator<Item = Ipv4Net>) -> Self {
        let numbers = |net: Ipv4Net| numbers(net, prefix_length);
        let closed = merged(closed.into_iter().map(numbers).collect());
        let large_enough = supernets.iter().filter(|net| net.prefix_len() <= prefix_length);
        let gaps = large_enough.flat_map(|net| gaps(numbers(*net), &closed)).filter(|gap| !gap.is_empty());
        Self { prefix_length, gaps: gaps.collect() }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.gaps.iter().map(length).sum()
    }

    /// All of them, from the `start`th on, and after the last one those before it.
    pub(crate) fn starting_at(&self, start: u64) -> impl Iterator<Item = Ipv4Net> + '_ {
        let (mut index, mut offset) = (0, start);
        while let Some(gap) = self.gaps.get(index).filter(|gap| offset >= length(gap)) {
            offset -= length(gap);
            index += 1;
        }
        let (before, from) = self.gaps.split_at(index);
        let split = from.first().map_or(0..0, |gap| gap.start..gap.start + offset);
        let first = from.first().map_or(0..0, |gap| split.end..gap.end);
        let numbers = std::iter::once(first).chain(from.iter().skip(1).cloned());
        let numbers = numbers.chain(before.iter().cloned()).chain(std::iter::once(split)).flatten();
        numbers.filter_map(|number| block(number, self.prefix_length))
    }
}

fn length(gap: &Range<u64>) -> u64 {
    gap.end - gap.start
}

/// How many bits of an address are inside a block.
fn host_bits(prefix_length: u8) -> u32 {
    32_u32.saturating_sub(u32::from(prefix_length))
}

/// Numbers of the blocks of this size that overlap `net`.
fn numbers(net: Ipv4Net, prefix_length: u8) -> Range<u64> {
    let number = |address: std::net::Ipv4Addr| u64::from(u32::from(address)) >> host_bits(prefix_length);
    number(net.network())..number(net.broadcast()) + 1
}

fn block(number: u64, prefix_length: u8) -> Option<Ipv4Net> {
    let address = u32::try_from(number << host_bits(prefix_length)).ok()?;
    Ipv4Net::new(address.into(), prefix_length).ok()
}

/// The same numbers, sorted, in ranges that neither overlap nor touch.
fn merged(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut merged: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// What `closed` leaves of `whole`: the gap before each closed range in it, and the one after the last. Gaps may be
/// empty, so each step gives one.
fn gaps(whole: Range<u64>, closed: &[Range<u64>]) -> impl Iterator<Item = Range<u64>> + '_ {
    let first = closed.partition_point(|range| range.end <= whole.start);
    let inside = closed.iter().skip(first).take_while(move |range| range.start < whole.end).cloned();
    let end = whole.end;
    inside.chain(std::iter::once(end..end)).scan(whole.start, move |begun, range| {
        let gap = *begun..range.start.max(*begun);
        *begun = range.end.min(end);
        Some(gap)
    })
}

#[cfg(test)]
#[path = "free_tests.rs"]
mod tests;
