#!/bin/sh
# A hundred processes: this one, nine branches, and in each branch ten relays.
# usage: tree.sh DIRECTORY
# asks:  the n-th "0" written to DIRECTORY/in goes through all relays, each of which adds n, and comes out of DIRECTORY/out.

relay() {
  lines=0
  while read -r sum; do
    lines=$((lines + 1))
    echo $((sum + lines))
  done
}

branch() { relay | relay | relay | relay | relay | relay | relay | relay | relay | relay; }

mkfifo "$1/in" "$1/out"
exec 3<>"$1/in" 4<>"$1/out"
branch <&3 | branch | branch | branch | branch | branch | branch | branch | branch >&4
