
# A file system on the first of them, in use. Read-only: a restart would else write down on it that it was mounted again.
if [ ! -e "$kept/2" ]; then
	attach 2
	file_system "$(block 2)"
	mount -o remount,ro /mnt
	keep 2
else
	mount -o ro "$(block 2)" /mnt
fi
compare_all() { compare 2; }
trap compare_at_the_end EXIT
set +e
