// What a check of a state folder is asked for and what it gives ↔ JavaScript.
#pragma once

#include <napi.h>

#include <vector>

#include "core/fsck/fsck.h"

namespace kudurru::binding {

fsck::Options fsckOptionsOf(const Napi::Object& object);
Napi::Object toObject(Napi::Env env, const fsck::Report& report);
// {list, damages, rebuildables}
Napi::Object toObject(Napi::Env env, const fsck::Findings& findings);
Napi::Array toArray(Napi::Env env, const std::vector<fsck::Evidence>& evidence);

}  // namespace kudurru::binding
