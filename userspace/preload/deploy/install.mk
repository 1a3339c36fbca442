# SPDX-License-Identifier: BSD-2-Clause
# Installing the preload library with what deploys it. Part of `make install`; PRELOAD32 is its 32-bit build, if any.

PRELOAD_DEPLOY := userspace/preload/deploy

.PHONY: install-preload
install-preload: all
	$(Q)sh $(PRELOAD_DEPLOY)/install.sh "$(DESTDIR)" "$(PREFIX)" "$(VERSION)" $(PRELOAD) $(PRELOAD32)
install: install-preload
