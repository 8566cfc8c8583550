# SPDX-License-Identifier: GPL-2.0
# usage: dash jobs.sh N: runs job.sh N times at once; what they found, one after the other. As unixbench's shell1, shell8.
here=${0%/*}
n=0
while [ $n -lt "$1" ]; do
  n=$((n + 1))
  dash "$here/job.sh" "$here/text" /tmp/job.$n &
done
wait
while [ $n -gt 0 ]; do
  cat /tmp/job.$n/found
  rm -r /tmp/job.$n
  n=$((n - 1))
done
