// How an error of the CBOR reader becomes a fault.
#pragma once

#include "core/submission/submission.h"

namespace kudurru::submission {

// True where the bytes are good CBOR so far but not what the schema wants.
inline bool isSchemaError(cbor::Error error) {
  return error == cbor::Error::kType || error == cbor::Error::kRange ||
         error == cbor::Error::kControlCharacter;
}

// `schemaCode` for an item of the wrong type or range, else kCborMalformed.
inline Fault faultOf(const cbor::Reader& reader, Code schemaCode) {
  const Code code = isSchemaError(reader.error()) ? schemaCode : Code::kCborMalformed;
  Fault fault;
  fault.code = code;
  fault.cbor = reader.error();
  fault.offset = reader.offset();
  return fault;
}

}  // namespace kudurru::submission
