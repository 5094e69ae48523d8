#!/bin/bash
# The hashes of chain_rows.csv and chain_links.csv once more, with printf and sha256sum alone:
#     bash tests/published/chain.sh
# The layout is the one in events/chain.py. A line beginning with # is a comment of a table.
set -euo pipefail
cd "$(dirname "$0")"
export LC_ALL=C

# The bytes of hexadecimal digits.
bytes() { printf "$(sed 's/../\\x&/g' <<<"$1")"; }
# A number of so many bytes, big-endian, negative ones as two's complement.
number() { bytes "$(printf "%0$(($1 * 2))x" "$2")"; }
# A text after its length in two bytes.
text() { number 2 ${#1}; printf %s "$1"; }

row() {
    text token-clearinghouse/journal-row; number 2 1; bytes "$1"; text "$2"; text "$3"
    number 8 "$4"; number 4 "$5"; number 8 "$6"; number 8 "$7"
    number 4 ${#8}; number 4 $(($# - 8))
    for part in "${@:9}"; do number 4 ${#part}; done
    printf %s "${@:8}"
}

link() {
    text token-clearinghouse/link; number 2 1; text "$1"; text "$2"
    number 8 "$3"; number 8 "$4"; number 4 "$5"; printf %s "$6"
}

grep -v '^#' chain_rows.csv | tail -n +2 |
    while IFS=, read -r before shard origin seq _ days position logical_time line part0 part1 \
        part2 _; do
        parts=("${part0#-}")
        # An empty column is no part, "-" an empty one.
        for part in "$part1" "$part2"; do [ -z "$part" ] || parts+=("${part#-}"); done
        row "$before" "$shard" "$origin" "$seq" "$days" "$position" "$logical_time" "$line" \
            "${parts[@]}" | sha256sum | cut -c1-64
    done
grep -v '^#' chain_links.csv | tail -n +2 |
    while IFS=, read -r source target num barrier last payload _; do
        link "$source" "$target" "$num" "$barrier" "$last" "$payload" | sha256sum | cut -c1-64
    done
