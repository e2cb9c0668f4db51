/* The load of the fan-out benchmark: many subscribers, or a few publishers, in one process that costs little.
 *
 *   load subscribe PORT PATH COUNT                subscribers that count events and measure how old they are
 *   load publish PORT PATH COUNT RATE SECONDS     publishers that each post again when they were answered;
 *                                                 RATE > 0 is how many posts a second they send in all
 *
 * An event's data holds its time: '@' and 19 digits, CLOCK_MONOTONIC in nanoseconds.  A subscriber's lines on standard
 * input: "reset" forgets what was counted, "report" prints it, the end of the input ends it.  Output is JSON lines.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { DIGITS = 19, FINE = 100000, COARSE = 100000, BURST = 64 };

typedef struct {
    int fd, digits, busy, length;
    uint64_t number;
    char answer[1024];
} Peer;

static uint64_t fine[FINE], coarse[COARSE], events, worst;
/* Ages up to 100 ms by the microsecond, up to 10 s by 100 of them. */

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static int dial(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (fd < 0) die("socket");
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static void note(uint64_t sent, uint64_t at) {
    uint64_t age = at > sent ? (at - sent) / 1000 : 0;
    events++;
    if (age > worst) worst = age;
    if (age < FINE) fine[age]++;
    else coarse[age / 100 < COARSE ? age / 100 : COARSE - 1]++;
}

static uint64_t quantile(double q) {
    uint64_t wanted = (uint64_t)(q * (double)events), seen = 0;
    for (uint64_t i = 0; i < FINE; i++) if ((seen += fine[i]) > wanted) return i;
    for (uint64_t i = 0; i < COARSE; i++) if ((seen += coarse[i]) > wanted) return i * 100;
    return worst;
}

static void forget(void) {
    memset(fine, 0, sizeof fine);
    memset(coarse, 0, sizeof coarse);
    events = worst = 0;
}

static void look(Peer *peer, const char *data, ssize_t size, uint64_t at) {
    const char *end = data + size;
    while (data < end) {
        if (!peer->digits) {
            data = memchr(data, '@', (size_t)(end - data));
            if (!data) return;
            data++;
            peer->digits = 1;
            peer->number = 0;
            continue;
        }
        if (*data < '0' || *data > '9') {
            peer->digits = 0;
            continue;
        }
        peer->number = peer->number * 10 + (uint64_t)(*data++ - '0');
        if (peer->digits++ == DIGITS) {
            note(peer->number, at);
            peer->digits = 0;
        }
    }
}

static void subscribe(int port, const char *path, int count) {
    static char buffer[1 << 18];
    char request[1024], line[64];
    int epoll = epoll_create1(0), size = snprintf(request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: text/event-stream\r\n\r\n", path, port);
    Peer *peers = calloc((size_t)count, sizeof *peers);
    uint64_t began = now();
    for (int first = 0; first < count; first += BURST) {
        int last = first + BURST < count ? first + BURST : count;
        for (int i = first; i < last; i++) {
            peers[i].fd = dial(port);
            if (write(peers[i].fd, request, (size_t)size) != size) die("request");
        }
        for (int i = first; i < last; i++) {
            ssize_t got = read(peers[i].fd, buffer, sizeof buffer);
            if (got < 15 || memcmp(buffer + 8, " 200 ", 5)) die("no stream was given");
        }
    }
    double seconds = (double)(now() - began) / 1e9;
    for (int i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &peers[i]};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, peers[i].fd, &event) < 0) die("epoll_ctl");
    }
    struct epoll_event input = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &input);
    printf("{\"connected\": %d, \"seconds\": %.6f}\n", count, seconds);
    fflush(stdout);
    for (;;) {
        struct epoll_event ready[1024];
        int n = epoll_wait(epoll, ready, 1024, -1);
        for (int i = 0; i < n; i++) {
            Peer *peer = ready[i].data.ptr;
            if (peer) {
                ssize_t got = read(peer->fd, buffer, sizeof buffer);
                if (got <= 0) die("a stream ended");
                look(peer, buffer, got, now());
                continue;
            }
            if (!fgets(line, sizeof line, stdin)) return;
            if (!strncmp(line, "reset", 5)) forget();
            printf("{\"events\": %lu, \"p50\": %lu, \"p99\": %lu, \"worst\": %lu}\n", (unsigned long)events,
                   (unsigned long)quantile(0.5), (unsigned long)quantile(0.99), (unsigned long)worst);
            fflush(stdout);
        }
    }
}

static void post(Peer *peer, int port, const char *path) {
    char request[1024], body[256];
    int length = snprintf(body, sizeof body,
        "{\"title\":\"Build 4711 failed\",\"body\":\"main is red since 12:01\",\"link\":\"https://ci.example.org/4711\","
        "\"t\":\"@%019lu\"}", (unsigned long)now());
    int size = snprintf(request, sizeof request,
        "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", path,
        port, length, body);
    if (write(peer->fd, request, (size_t)size) != size) die("post");
    peer->busy = 1;
    peer->length = 0;
}

/* Whether the whole answer is there; it must be a success. */
static int answered(Peer *peer) {
    ssize_t got = read(peer->fd, peer->answer + peer->length, sizeof peer->answer - 1 - (size_t)peer->length);
    if (got <= 0) die("a publisher was cut off");
    peer->length += (int)got;
    peer->answer[peer->length] = 0;
    char *end = strstr(peer->answer, "\r\n\r\n"), *length = strcasestr(peer->answer, "content-length:");
    if (!end) return 0;
    if (peer->answer[9] != '2') {
        fprintf(stderr, "%s\n", peer->answer);
        exit(1);
    }
    return peer->length >= (end + 4 - peer->answer) + (length ? atoi(length + 15) : 0);
}

static void publish(int port, const char *path, int count, double rate, double seconds) {
    int epoll = epoll_create1(0);
    Peer *peers = calloc((size_t)count, sizeof *peers);
    for (int i = 0; i < count; i++) {
        peers[i].fd = dial(port);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &peers[i]};
        epoll_ctl(epoll, EPOLL_CTL_ADD, peers[i].fd, &event);
    }
    uint64_t began = now(), end = began + (uint64_t)(seconds * 1e9), posts = 0, answers = 0;
    if (rate <= 0) for (int i = 0; i < count; i++, posts++) post(&peers[i], port, path);
    while (now() < end || answers < posts) {
        struct epoll_event ready[64];
        if (rate > 0 && now() < end) {
            uint64_t due = began + (uint64_t)((double)(posts + 1) / rate * 1e9), t = now();
            if (t >= due)
                for (int i = 0; i < count; i++)
                    if (!peers[i].busy) {
                        post(&peers[i], port, path);
                        posts++;
                        break;
                    }
        }
        int n = epoll_wait(epoll, ready, 64, rate > 0 ? 1 : 100);
        for (int i = 0; i < n; i++) {
            Peer *peer = ready[i].data.ptr;
            if (!answered(peer)) continue;
            peer->busy = 0;
            answers++;
            if (rate <= 0 && now() < end) {
                post(peer, port, path);
                posts++;
            }
        }
        if (now() > end + 30000000000u) die("answers are missing");
    }
    printf("{\"published\": %lu, \"seconds\": %.6f}\n", (unsigned long)answers, (double)(now() - began) / 1e9);
}

int main(int argc, char **argv) {
    if (argc == 5 && !strcmp(argv[1], "subscribe")) subscribe(atoi(argv[2]), argv[3], atoi(argv[4]));
    else if (argc == 7 && !strcmp(argv[1], "publish"))
        publish(atoi(argv[2]), argv[3], atoi(argv[4]), atof(argv[5]), atof(argv[6]));
    else return fputs("see the head of load.c\n", stderr), 2;
    return 0;
}
