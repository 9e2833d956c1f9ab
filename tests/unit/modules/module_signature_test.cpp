// SPDX-License-Identifier: GPL-2.0-or-later
#include "init/modules/module_signature.h"

#include <gtest/gtest.h>

#include "base/text.h"

namespace vhdboot::modules {
namespace {

std::string demand(std::string_view line, std::string_view config = {}, bool secure_boot = false) {
  return demands_signatures(kexec::CommandLine::parse(line), config, secure_boot).value_or("");
}

TEST(ModuleSignature, IsAppended) {
  EXPECT_TRUE(is_signed(as_bytes("ELF ~Module signature appended~\n")));
  EXPECT_FALSE(is_signed(as_bytes("ELF ~Module signature appended~")));
  EXPECT_FALSE(is_signed(as_bytes("~Module signature appended~\n ELF")));
  EXPECT_FALSE(is_signed({}));
}

TEST(ModuleSignature, DemandedByTheCommandLine) {
  EXPECT_EQ(demand("root=/dev/sda ro quiet"), "");
  EXPECT_EQ(demand("lockdown=integrity"), "lockdown=integrity on its command line");
  EXPECT_EQ(demand("lockdown=confidentiality"), "lockdown=confidentiality on its command line");
  EXPECT_EQ(demand("lockdown=none"), "");
  for (const char* on : {"module.sig_enforce", "module.sig_enforce=1", "module.sig-enforce=Y", "module.sig_enforce=on"})
    EXPECT_EQ(demand(on), "module.sig_enforce on its command line") << on;
  for (const char* off : {"module.sig_enforce=0", "module.sig_enforce=n", "module.sig_enforce=off", "sig_enforce=1"})
    EXPECT_EQ(demand(off), "") << off;
}

TEST(ModuleSignature, DemandedByTheKernel) {
  EXPECT_EQ(demand("", "CONFIG_MODULE_SIG=y\n# CONFIG_MODULE_SIG_FORCE is not set\n"), "");
  EXPECT_EQ(demand("", "CONFIG_A=y\nCONFIG_MODULE_SIG_FORCE=y\n"), "it was built with CONFIG_MODULE_SIG_FORCE=y");
  EXPECT_EQ(demand("", "CONFIG_LOCK_DOWN_KERNEL_FORCE_INTEGRITY=y"),
            "it was built with CONFIG_LOCK_DOWN_KERNEL_FORCE_INTEGRITY=y");
}

TEST(ModuleSignature, DemandedBySecureBoot) {
  constexpr std::string_view kDebian = "CONFIG_LOCK_DOWN_IN_EFI_SECURE_BOOT=y\n";
  EXPECT_EQ(demand("", kDebian, false), "");
  EXPECT_EQ(demand("", kDebian, true), "Secure Boot is on, which locks it down");
  EXPECT_EQ(demand("", "", true), "");
}

}  // namespace
}  // namespace vhdboot::modules
