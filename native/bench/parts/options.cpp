#include "options.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <stdexcept>

namespace kudurru::bench {

Options::Options(int count, char** words, const std::vector<std::string>& known) {
  for (int i = 1; i < count; i += 2) {
    const std::string word = words[i];
    const std::string name = word.starts_with("--") ? word.substr(2) : "";
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw std::invalid_argument("unknown option '" + word + "'");
    }
    if (i + 1 == count) throw std::invalid_argument("option '" + word + "' has no value");
    if (!values_.emplace(name, words[i + 1]).second) {
      throw std::invalid_argument("option '" + word + "' is given twice");
    }
  }
}

const std::string& Options::text(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) throw std::invalid_argument("option '--" + name + "' is missing");
  return found->second;
}

uint64_t Options::number(const std::string& name, uint64_t fallback, uint64_t max) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return fallback;
  const std::string& word = found->second;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size() || value == 0 || value > max) {
    throw std::invalid_argument("option '--" + name + "' is '" + word +
                                "', which is no whole number from 1 to " + std::to_string(max));
  }
  return value;
}

int runProgram(const char* name, int (*body)(int, char**), int count, char** words) {
  try {
    return body(count, words);
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "%s: %s\n", name, error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", name, error.what());
    return 1;
  }
}

}  // namespace kudurru::bench
