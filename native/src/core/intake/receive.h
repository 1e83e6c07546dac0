// recvmsg on a Unix stream socket, with the writer that the kernel names. The kernel never merges
// the bytes of two writers into one read while SO_PASSCRED is set, so a read has one writer.
//
// A client may send descriptors along with its bytes; the kernel puts them into this process. They
// are closed at once, and the read is faulty.
#pragma once

#include "core/bytes.h"
#include "core/intake/descriptor.h"
#include "core/intake/writer.h"

namespace kudurru::intake {

struct Received {
  enum class Kind : uint8_t {
    kBytes,
    kNothing,        // there is nothing to read now
    kEnd,            // the client will send nothing more, or is gone
    kUnknownWriter,  // bytes whose writer the kernel does not name, such as a process that is gone
    kDescriptors,    // bytes with descriptors
  };
  Kind kind = Kind::kNothing;
  size_t sizeBytes = 0;
  Writer writer;  // its pidfd is `pidfd`
  Descriptor pidfd;
};

// Asks the kernel to name writers on this socket; false where it does not know how. On a listening
// socket, accepted ones inherit it.
bool nameWriters(int socket, WriterLevel level);

Received receive(int socket, MutableBytes buffer, WriterLevel level);

// What this kernel can do, tried on a pair of sockets; none where not even credentials work.
std::optional<WriterLevel> probeWriterLevel();

}  // namespace kudurru::intake
