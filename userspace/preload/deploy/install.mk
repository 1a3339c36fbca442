# SPDX-License-Identifier: BSD-2-Clause
# Installing the preload library with what deploys it. Part of `make install`. PRELOAD is the native build, and
# then the 32-bit one where the compiler makes it.

PRELOAD_DEPLOY := userspace/preload/deploy

.PHONY: install-preload
install-preload: all
	$(Q)sh $(PRELOAD_DEPLOY)/install.sh "$(DESTDIR)" "$(PREFIX)" "$(VERSION)" $(PRELOAD)
install: install-preload
