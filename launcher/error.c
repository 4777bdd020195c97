#include "launcher/error.h"

G_DEFINE_QUARK (vp_error, vp_error)
