
# A file system on the first of them, which nobody uses now, and swap space on the second, which nobody is attached to.
if [ ! -e "$kept/3" ]; then
	attach 2
	file_system "$(block 2)"
	umount /mnt
	keep 2
	attach 3
	mkswap "$(block 3)" >/dev/null
	keep 3
	detach 3
fi
compare_all() {
	compare 2
	attach 3 && compare 3
	detach 3
}
trap compare_at_the_end EXIT
set +e
