// One datagram to a Unix socket: how a service tells its manager how far it is (sd_notify(3)). Node
// has no such sockets.
#pragma once

#include <string>
#include <string_view>

namespace kudurru::notify {

// `address` is a path, or '@' and a name in the abstract space. 0, or the errno of what failed.
int send(const std::string& address, std::string_view message);

}  // namespace kudurru::notify
