// What the platter does not hold yet. Every change goes through to the file system at once, so that
// all reads see it; here is kept how to take it back. A sync of a file forgets what was kept for
// its bytes and its size, one of a folder what was kept for its names, and nothing else does: names
// are durable by the sync of their folder alone, as POSIX has it.
//
// `power_cut` takes back all that is left, but for a random choice of 512-byte sectors and, of the
// names, of those that came first: as if the kernel had written some of it early.
//
// A sync that failed loses what it should have made durable: later syncs do not bring it back.
#pragma once

#include <stdint.h>
#include <sys/types.h>

void undo_begin(uint64_t seed, unsigned tear_percent, const char *spare);

// Before the change.
void undo_write(int fd, off_t offset, size_t length);
void undo_resize(int fd, off_t size);
void undo_remove(const char *path);  // unlink, rmdir
void undo_rename(const char *from, const char *to);
// The call failed: what was kept for it last is not needed.
void undo_drop(void);
// After it.
void undo_create(const char *path);  // a name that was not there

void undo_synced(int fd);       // fsync, fdatasync: of a file or a folder
void undo_synced_all(void);     // syncfs
void undo_sync_failed(int fd);  // fd -1: syncfs

// A process may end and the power stay: what it left in memory is not on the platter either, and
// the process after it goes on with what was kept. `undo_leave` writes it to a file,
// `undo_take_over` reads it and removes the file; one that is not there is empty.
void undo_leave(const char *path);
void undo_take_over(const char *path);

void power_cut(void);
// Of a process that ends by itself: what a failed sync lost.
void lose_failed(void);
