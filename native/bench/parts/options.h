// The command line of a measuring program: `--name value` pairs, each known and given once.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace kudurru::bench {

class Options {
 public:
  // Throws std::invalid_argument for a name that is not in `known`, or one without a value.
  Options(int count, char** words, const std::vector<std::string>& known);

  // Throws std::invalid_argument where it was not given.
  const std::string& text(const std::string& name) const;
  // The fallback where it was not given; throws for anything but a decimal number in the range.
  uint64_t number(const std::string& name, uint64_t fallback, uint64_t max) const;

 private:
  std::map<std::string, std::string> values_;
};

// Runs a program's body: what it throws goes to stderr. Exit code 0, 1 failed, 2 wrong use.
int runProgram(const char* name, int (*body)(int, char**), int count, char** words);

}  // namespace kudurru::bench
