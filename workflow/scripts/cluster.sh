#!/usr/bin/env bash
# One attempt at one data set. Only a lack of memory is tried again: any other failure would come again as it was.
#
#   cluster.sh ATTEMPT INPUT LINK LOG PROGRAM [OPTION VALUE]...
#
# LINK is made to INPUT, as outputs are named after what the program reads. LOG gets all that the program says.
set -euo pipefail
attempt=$1 input=$2 link=$3 log=$4
shift 4
out_of_memory=137
# The exit code and the words of the attempt before; one that the cluster has killed could not leave them. Snakemake empties
# the log before an attempt.
last=$log.exit said=$log.last

if [ "$attempt" -gt 1 ] && [ -f "$last" ] && [ "$(cat "$last")" != $out_of_memory ]; then
    cp "$said" "$log"
    exit "$(cat "$last")"
fi
rm -f "$last" "$said"
mkdir -p "$(dirname "$link")"
ln -sfn "$(realpath "$input")" "$link"
code=0
"$@" -name "$link" >"$log" 2>&1 || code=$?
if [ "$code" -ne 0 ]; then
    cp "$log" "$said"
    echo "$code" >"$last"
fi
exit "$code"
