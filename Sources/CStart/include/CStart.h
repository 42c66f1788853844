#ifndef CSTART_H
#define CSTART_H

/// Nothing is called from here: what this target does, it does when a program that is linked with it is loaded.

#endif
