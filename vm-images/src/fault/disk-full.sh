
# A few MiB are left, too few for a guest: its kernel and its program alone take more than 20. What is reserved for root counts, since
# root writes; 16 MiB of what is free the file system keeps for itself (ext4, `ext4_set_resv_clusters`).
if [ ! -e /var/lib/lab-full ]; then
	free=$(($(stat --file-system --format='%f * %S' /)))
	fallocate --length $((free - 20 * 1024 * 1024)) /var/lib/lab-full
fi
