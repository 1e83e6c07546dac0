// Processes that a watched one starts.
#pragma once

// Returns when none is left, where they have plans too; else at once.
void wait_for_children(void);
