#!/bin/sh
# Runs while the CUDA image of tts is built: compiles, ahead of time, the one C module that Triton would compile at its first
# start, through which it talks to the NVIDIA driver. The image gets the module and triton_cc.sh, and no compiler.
set -eu

python=/opt/maatu/bin/python
triton=$($python -c 'import importlib.util as u; print(*u.find_spec("triton").submodule_search_locations)')
headers=$($python -c 'import sysconfig; print(sysconfig.get_paths("posix_prefix")["include"])')

apt-get update -qq
apt-get install -y -qq --no-install-recommends gcc libc6-dev
test -e "$headers/Python.h" || apt-get install -y -qq --no-install-recommends python3-dev # Python images have it, Debian has not

mkdir -p /opt/maatu/libexec /tmp/stub
# The driver is on the node, not here. The module only has to name it.
gcc -shared -x c /dev/null -Wl,-soname,libcuda.so.1 -o /tmp/stub/libcuda.so.1
cp "$triton/backends/nvidia/driver.c" /opt/maatu/libexec/driver.c
gcc /opt/maatu/libexec/driver.c -O3 -shared -fPIC -Wno-psabi -o /opt/maatu/libexec/cuda_utils.so \
    -I"$triton/backends/nvidia/include" -I"$headers" -L/tmp/stub -l:libcuda.so.1
cp triton_cc.sh /opt/maatu/libexec/triton-cc
chmod 755 /opt/maatu/libexec/triton-cc
