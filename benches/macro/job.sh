# SPDX-License-Identifier: GPL-2.0
# usage: dash job.sh TEXT FOLDER: some ten small programs and pipes over a text, in a folder of its own.
set -e
mkdir "$2"
cd "$2"
sort "$1" >sorted
grep -i the sorted | wc -l >found
tr -cs A-Za-z '\n' <sorted | sort -f | uniq -ci | sort -rn | head -n 3 >words
cat words | tee again | cksum >>found
cksum sorted >>found
rm sorted words again
