#!/bin/sh
# Compresses DIRECTORY/first and then, once it is there, DIRECTORY/last into DIRECTORY/output.
# However fast the machine is, the job lasts as long as the test needs it.
{
  cat "$1/first"
  until test -e "$1/last"; do sleep 1; done
  cat "$1/last"
} | zstd -q -T2 -15 -B1MiB -o "$1/output"
