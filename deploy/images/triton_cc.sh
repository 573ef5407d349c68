#!/bin/sh
# Stands in for the C compiler that Triton calls at its first start, to compile the module through which it talks to the driver.
# The image has no compiler but that module, compiled when the image was built (triton_driver.sh): this hands it out.
set -eu

here=$(dirname "$(readlink -f "$0")")
source=
output=
while [ $# -gt 0 ]; do
    case $1 in
        -o) output=$2; shift ;;
        *.c) source=$1 ;;
    esac
    shift
done
if ! cmp -s "$source" "$here/driver.c"; then
    echo "triton-cc: this image has no C compiler, only $here/driver.c compiled; $source is another file" >&2
    exit 1
fi
cp "$here/cuda_utils.so" "$output"
