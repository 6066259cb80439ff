
# All but 4 MiB: a guest's kernel alone takes more. What is reserved for root counts, since root writes.
if [ ! -e /var/lib/lab-full ]; then
	free=$(($(stat --file-system --format='%f * %S' /)))
	fallocate --length $((free - 4 * 1024 * 1024)) /var/lib/lab-full
fi
