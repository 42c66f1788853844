#ifndef CSIGNALS_H
#define CSIGNALS_H

/// Makes a pipe whose ends no other program gets and none of which blocks. As pipe2(2): 0, or -1 and `errno`.
int rstream_open_pipe(int ends[2]);

/// From now on each of these signals is one byte, its number, in `pipe`. As sigaction(2): 0, or -1 and `errno`.
int rstream_take_signals(int pipe, const int *signals, int count);

#endif
