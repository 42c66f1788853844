// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

// The limit: the least that a relay can do between a plain TCP stream and one in TLS 1.3. It accepts plain streams and
// dials a TLS connection for each, whose certificate it verifies. One thread and one edge-triggered epoll, large reads,
// one read buffer and one record buffer for all streams, no log, no limit, no timeout.
//
//   relay ADDRESS ENGINE_ADDRESS AUTHORITY fresh|resumed
//
// With "resumed", handshakes after the first resume its session.

#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "CNIOBoringSSL_err.h"
#include "CNIOBoringSSL_ssl.h"
#include "wire.h"

enum {
    READ = 128 * 1024,
    /// Records that an earlier read began may add one to what a read brings.
    PLAINTEXT = READ + 17 * 1024,
    /// Reads of one stream before others have their turn.
    TURNS = 16,
};

enum result { BROKEN = -1, WAITS, DONE };

/// Bytes that a socket had no room for.
struct rest {
    unsigned char *bytes;
    size_t from, size;
};

struct stream;

/// What an event names: one of a stream's two sockets.
struct end {
    struct stream *stream;
    int fd;
    bool has_hung_up;
};

struct stream {
    struct end plain, engine;
    SSL *tls;
    struct rest to_plain, to_engine;
    bool is_connected, plain_ended, engine_ended, sent_plain_end, sent_engine_end, is_dead, is_queued;
    struct stream *next_queued, *next_dead;
};

static struct sockaddr_in engine_address;
static SSL_CTX *context;
static BIO_METHOD *shared_buffers;
static SSL_SESSION *session;
static struct stream *queued, *dead;
static int poll;

// Of whichever stream has its turn.
static unsigned char plaintext[PLAINTEXT], read_bytes[READ];
static const unsigned char *unread;
static size_t unread_size;
static unsigned char *records;
static size_t records_size, records_capacity;

// MARK: TLS reads from `unread` and writes to `records`

static int write_records(BIO *bio, const char *bytes, int size) {
    (void)bio;
    if (records_size + (size_t)size > records_capacity) {
        records_capacity = (records_size + (size_t)size) * 2;
        records = realloc(records, records_capacity);
    }
    memcpy(records + records_size, bytes, (size_t)size);
    records_size += (size_t)size;
    return size;
}

static int read_unread(BIO *bio, char *bytes, int size) {
    BIO_clear_retry_flags(bio);
    if (unread_size == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    size_t count = (size_t)size < unread_size ? (size_t)size : unread_size;
    memcpy(bytes, unread, count);
    unread += count;
    unread_size -= count;
    return (int)count;
}

static long control(BIO *bio, int command, long number, void *pointer) {
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static int create(BIO *bio) {
    BIO_set_init(bio, 1);
    return 1;
}

static int keep_session(SSL *tls, SSL_SESSION *new) {
    (void)tls;
    SSL_SESSION_free(session);
    session = new;
    return 1;
}

static void prepare_tls(const char *authority, bool resumes) {
    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    if (SSL_CTX_load_verify_locations(context, authority, NULL) != 1) {
        ERR_print_errors_fp(stderr);
        exit(1);
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    // As rstreamd, and as OpenSSL's own default of version 3.5: a hybrid with ML-KEM, which is a sixth of a stream's cost.
    if (SSL_CTX_set1_groups_list(context, "X25519MLKEM768:X25519:P-256:P-384") != 1) {
        ERR_print_errors_fp(stderr);
        exit(1);
    }
    int mode = resumes ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL : SSL_SESS_CACHE_OFF;
    SSL_CTX_set_session_cache_mode(context, mode);
    if (resumes) SSL_CTX_sess_set_new_cb(context, keep_session);
    shared_buffers = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "shared buffers");
    BIO_meth_set_write(shared_buffers, write_records);
    BIO_meth_set_read(shared_buffers, read_unread);
    BIO_meth_set_ctrl(shared_buffers, control);
    BIO_meth_set_create(shared_buffers, create);
}

static SSL *begin_tls(void) {
    SSL *tls = SSL_new(context);
    BIO *bio = BIO_new(shared_buffers);
    SSL_set_bio(tls, bio, bio);
    SSL_set_connect_state(tls);
    SSL_set1_host(tls, "localhost");
    SSL_set_tlsext_host_name(tls, "localhost");
    if (session) SSL_set_session(tls, session);
    return tls;
}

// MARK: Sending

static enum result send_bytes(int fd, const unsigned char *bytes, size_t size, struct rest *rest) {
    for (size_t sent = 0; sent < size;) {
        ssize_t count = send(fd, bytes + sent, size - sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EAGAIN) {
            *rest = (struct rest){.bytes = malloc(size - sent), .size = size - sent};
            memcpy(rest->bytes, bytes + sent, rest->size);
            return WAITS;
        }
        if (count < 0) return BROKEN;
        sent += (size_t)count;
    }
    return DONE;
}

static enum result send_rest(int fd, struct rest *rest) {
    while (rest->from < rest->size) {
        ssize_t count = send(fd, rest->bytes + rest->from, rest->size - rest->from, MSG_NOSIGNAL);
        if (count < 0) return errno == EAGAIN ? WAITS : BROKEN;
        rest->from += (size_t)count;
    }
    free(rest->bytes);
    *rest = (struct rest){0};
    return DONE;
}

/// Sends what an earlier turn left, then what TLS has written in this one.
static enum result send_records(struct stream *stream) {
    size_t size = records_size;
    records_size = 0;
    enum result result = send_rest(stream->engine.fd, &stream->to_engine);
    if (result == DONE) return send_bytes(stream->engine.fd, records, size, &stream->to_engine);
    if (result == BROKEN || size == 0) return result;
    struct rest *rest = &stream->to_engine;
    size_t waiting = rest->size - rest->from;
    unsigned char *all = malloc(waiting + size);
    memcpy(all, rest->bytes + rest->from, waiting);
    memcpy(all + waiting, records, size);
    free(rest->bytes);
    *rest = (struct rest){.bytes = all, .size = waiting + size};
    return WAITS;
}

// MARK: A stream

static void kill_stream(struct stream *stream) {
    if (stream->is_dead) return;
    stream->is_dead = true;
    SSL_free(stream->tls);
    close(stream->plain.fd);
    close(stream->engine.fd);
    free(stream->to_plain.bytes);
    free(stream->to_engine.bytes);
    // Later events of this batch may still name it.
    stream->next_dead = dead;
    dead = stream;
}

static void queue(struct stream *stream) {
    if (stream->is_queued || stream->is_dead) return;
    stream->is_queued = true;
    stream->next_queued = queued;
    queued = stream;
}

/// Reads once from the engine for TLS. WAITS when there is nothing.
static enum result read_engine(struct stream *stream, size_t *size) {
    ssize_t count = recv(stream->engine.fd, read_bytes, READ, 0);
    if (count < 0) return errno == EAGAIN ? WAITS : BROKEN;
    unread = read_bytes;
    unread_size = *size = (size_t)count;
    return DONE;
}

static enum result connect_tls(struct stream *stream) {
    for (;;) {
        int outcome = SSL_connect(stream->tls), error = SSL_get_error(stream->tls, outcome);
        if (send_records(stream) == BROKEN) return BROKEN;
        if (outcome == 1) break;
        size_t size = 0;
        if (error != SSL_ERROR_WANT_READ) return BROKEN;
        enum result result = read_engine(stream, &size);
        if (result != DONE) return result;
        if (size == 0) return BROKEN;
    }
    stream->is_connected = true;
    return DONE;
}

static enum result to_engine(struct stream *stream) {
    if (stream->sent_engine_end) return DONE;
    enum result result = send_rest(stream->engine.fd, &stream->to_engine);
    for (int turn = 0; turn < TURNS && result == DONE; turn++) {
        if (stream->plain_ended) {
            // TLS has said so before, and that is sent.
            shutdown(stream->engine.fd, SHUT_WR);
            stream->sent_engine_end = true;
            return DONE;
        }
        ssize_t count = recv(stream->plain.fd, plaintext, READ, 0);
        if (count < 0) return errno == EAGAIN ? WAITS : BROKEN;
        stream->plain_ended = count == 0;
        if (count == 0) SSL_shutdown(stream->tls);
        else if (SSL_write(stream->tls, plaintext, (int)count) <= 0) return BROKEN;
        result = send_records(stream);
        // A short read has emptied the socket: the next event tells of more.
        if (count > 0 && count < READ && !stream->plain.has_hung_up) return result;
    }
    if (result == DONE) queue(stream);
    return result;
}

/// Decrypts what was read. BROKEN, or DONE with the size of it in `plaintext`.
static enum result decrypt(struct stream *stream, size_t *size) {
    *size = 0;
    while (*size < PLAINTEXT) {
        int count = SSL_read(stream->tls, plaintext + *size, (int)(PLAINTEXT - *size));
        if (count > 0) {
            *size += (size_t)count;
            continue;
        }
        int error = SSL_get_error(stream->tls, count);
        if (error == SSL_ERROR_ZERO_RETURN) stream->engine_ended = true;
        else if (error != SSL_ERROR_WANT_READ) return BROKEN;
        break;
    }
    return DONE;
}

static enum result to_plain(struct stream *stream) {
    if (stream->sent_plain_end) return DONE;
    for (int turn = 0; turn < TURNS; turn++) {
        enum result result = send_rest(stream->plain.fd, &stream->to_plain);
        if (result != DONE) return result;
        if (stream->engine_ended) {
            shutdown(stream->plain.fd, SHUT_WR);
            stream->sent_plain_end = true;
            return DONE;
        }
        size_t read = unread_size, size;
        // What came with the handshake's last bytes is decrypted first.
        if (read == 0) {
            if ((result = read_engine(stream, &read)) != DONE) return result;
            if (read == 0) stream->engine_ended = true;
        }
        if (decrypt(stream, &size) == BROKEN) return BROKEN;
        result = send_bytes(stream->plain.fd, plaintext, size, &stream->to_plain);
        if (result != DONE) return result;
        bool is_empty = read < READ && !stream->engine_ended && !stream->engine.has_hung_up;
        if (is_empty) return WAITS;
    }
    queue(stream);
    return WAITS;
}

static void run(struct stream *stream) {
    if (stream->is_dead) return;
    ERR_clear_error();
    unread_size = records_size = 0;
    enum result result = stream->is_connected ? DONE : connect_tls(stream);
    if (result == DONE && (to_plain(stream) == BROKEN || to_engine(stream) == BROKEN)) result = BROKEN;
    if (result == BROKEN || (stream->sent_plain_end && stream->sent_engine_end)) kill_stream(stream);
}

// MARK: The loop

static void watch(struct end *end, struct stream *stream, int fd) {
    *end = (struct end){.stream = stream, .fd = fd};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP, .data.ptr = end};
    send_at_once(fd);
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
}

static void accept_all(int listener) {
    int plain;
    while ((plain = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        int engine = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(engine, (void *)&engine_address, sizeof engine_address) && errno != EINPROGRESS) {
            close(plain);
            close(engine);
            continue;
        }
        struct stream *stream = calloc(1, sizeof *stream);
        stream->tls = begin_tls();
        watch(&stream->plain, stream, plain);
        watch(&stream->engine, stream, engine);
    }
}

static void handle(const struct epoll_event *event) {
    struct end *end = event->data.ptr;
    struct stream *stream = end->stream;
    if (event->events & EPOLLRDHUP) end->has_hung_up = true;
    // Before TLS is there, only the engine's socket has something to say.
    if (!stream->is_connected && end == &stream->plain) return;
    if (event->events & EPOLLERR) kill_stream(stream);
    else run(stream);
}

int main(int count, char **arguments) {
    if (count != 5) return 64;
    signal(SIGPIPE, SIG_IGN);
    engine_address = parse_address(arguments[2]);
    prepare_tls(arguments[3], !strcmp(arguments[4], "resumed"));
    poll = epoll_create1(0);
    int listener = listen_and_print(arguments[1]);
    struct epoll_event events[256] = {{.events = EPOLLIN, .data.ptr = NULL}};
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &events[0]);
    for (;;) {
        int ready = epoll_wait(poll, events, 256, queued ? 0 : -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr) handle(&events[i]);
            else accept_all(listener);
        }
        struct stream *turn = queued;
        queued = NULL;
        while (turn) {
            struct stream *next = turn->next_queued;
            turn->is_queued = false;
            run(turn);
            turn = next;
        }
        while (dead && !queued) {
            struct stream *next = dead->next_dead;
            free(dead);
            dead = next;
        }
    }
}
