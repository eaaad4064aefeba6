/* SPDX-License-Identifier: BSD-3-Clause */
/* The features in the order in which a commit prepares and applies them; aborts run in reverse. */
#include <stddef.h>

#include "app.h"

const struct mcr_feature *const app_features[] = {
	&feat_system,
	&feat_port,
	&feat_segment,
	&feat_peer,
	&feat_member,
	&feat_publish,
	NULL,
};
