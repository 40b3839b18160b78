package io.sluice.instrumentation.testing;

import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reads the {@code ESTABLISHED} sockets of one local port from {@code /proc/net/tcp} and {@code /proc/net/tcp6} (format:
 * the Linux kernel's Documentation/networking/proc_net_tcp.rst).
 *
 * <p>Each dump walks the kernel's whole hash table, some milliseconds where it has 262144 buckets. Hence two
 * economies: only the file of the address family that the server listens with is read, and reading stops at a short
 * read, because asking for more after the last line makes the kernel walk the table once again.
 *
 * <p>Not safe for use by several threads at once.
 */
final class TcpTable {
    static final String IPV4 = "/proc/net/tcp";
    static final String IPV6 = "/proc/net/tcp6";

    private static final int ESTABLISHED = 0x01;
    private static final int LISTEN = 0x0A;

    /**
     * One read returns as many whole lines as fit into a page, of at least 4096 bytes. A line is shorter than 200
     * bytes, so that a read that leaves more than that of a page was the last.
     */
    private static final int SHORT_READ_BYTES = 3800;

    private static final int READ_BYTES = 1 << 16;

    private final int port;
    private final @Nullable RandomAccessFile ipv4;
    private final @Nullable RandomAccessFile ipv6;
    private byte[] text = new byte[2 * READ_BYTES];

    /** Opens the table for a port; a port on which nobody listens is looked for in both files. */
    TcpTable(int port) throws IOException {
        this.port = port;
        RandomAccessFile four = new RandomAccessFile(IPV4, "r");
        RandomAccessFile six = new File(IPV6).canRead() ? new RandomAccessFile(IPV6, "r") : null;
        boolean inFour = isListening(four);
        boolean inSix = six != null && isListening(six);
        ipv4 = inSix && !inFour ? closed(four) : four;
        ipv6 = inFour && !inSix ? closed(six) : six;
    }

    Sockets newSockets() {
        return new Sockets();
    }

    /** Replaces the contents of {@code sockets} by what is established now. */
    void read(Sockets sockets) throws IOException {
        sockets.count = 0;
        for (RandomAccessFile file : new @Nullable RandomAccessFile[] {ipv4, ipv6}) {
            if (file != null) {
                parse(load(file), ESTABLISHED, sockets);
            }
        }
    }

    void close() {
        closed(ipv4);
        closed(ipv6);
    }

    private boolean isListening(RandomAccessFile file) throws IOException {
        Sockets listening = new Sockets();
        parse(load(file), LISTEN, listening);
        return listening.count > 0;
    }

    /** Reads the whole file before any of it is parsed: the shorter the dump takes, the better. */
    private int load(RandomAccessFile file) throws IOException {
        int length = 0;
        file.seek(0);
        while (true) {
            if (text.length - length < READ_BYTES) {
                text = Arrays.copyOf(text, 2 * text.length);
            }
            int count = file.read(text, length, READ_BYTES);
            if (count <= 0) {
                return length;
            }
            length += count;
            if (count < SHORT_READ_BYTES) {
                return length;
            }
        }
    }

    /** Parses lines such as {@code 0: 0100007F:1F90 0100007F:D2F0 01 00000000:00000000 00:00000000 00000000 0 0 4711}. */
    private void parse(int length, int wantedState, Sockets into) {
        int at = skipLine(0, length);
        while (at < length) {
            int end = skipLine(at, length);
            int local = skipPast(':', at, end);
            int localPort = skipPast(':', local, end);
            if (localPort + 4 < end && hex(localPort, 4) == port) {
                int remote = localPort + 5;
                int remotePort = skipPast(':', remote, end);
                if (hex(remotePort + 5, 2) == wantedState) {
                    into.add(endpoint(remote, remotePort), inode(remotePort + 5, end));
                }
            }
            at = end;
        }
    }

    /** The remote port in the low 16 bits, a hash of the remote address above it. */
    private long endpoint(int address, int portAt) {
        long hash = 0xcbf29ce484222325L;
        for (int i = address; i < portAt - 1; i++) {
            hash = (hash ^ text[i]) * 0x100000001b3L;
        }
        return hash << 16 | hex(portAt, 4);
    }

    /** The inode is the seventh field, the state being the first; fields are parted by one or more blanks. */
    private long inode(int state, int end) {
        int at = state;
        for (int field = 1; field < 7; field++) {
            while (at < end && text[at] != ' ') {
                at++;
            }
            while (at < end && text[at] == ' ') {
                at++;
            }
        }
        long inode = 0;
        while (at < end && text[at] >= '0' && text[at] <= '9') {
            inode = inode * 10 + text[at++] - '0';
        }
        return inode;
    }

    private int hex(int from, int digits) {
        int value = 0;
        for (int i = from; i < from + digits; i++) {
            value = value << 4 | Character.digit(text[i], 16);
        }
        return value;
    }

    private int skipPast(char wanted, int from, int end) {
        int at = from;
        while (at < end && text[at] != wanted) {
            at++;
        }
        return at + 1;
    }

    private int skipLine(int from, int length) {
        return Math.min(skipPast('\n', from, length), length);
    }

    private static @Nullable RandomAccessFile closed(@Nullable RandomAccessFile file) {
        if (file != null) {
            try {
                file.close();
            } catch (IOException ignored) {
                // Nothing was written, and nothing is left to read.
            }
        }
        return null;
    }

    /** The sockets of one dump. */
    static final class Sockets {
        private long[] endpoints = new long[256];
        private long[] inodes = new long[256];
        private int count;

        /** How many of these sockets are in {@code other} too. */
        int alsoIn(Sockets other) {
            int both = 0;
            for (int i = 0; i < count; i++) {
                int there = other.indexOf(endpoints[i]);
                if (there >= 0 && sameInode(inodes[i], other.inodes[there])) {
                    both++;
                }
            }
            return both;
        }

        /** The kernel may show a socket twice in one dump when the table changes meanwhile; it is added once. */
        private void add(long endpoint, long inode) {
            if (indexOf(endpoint) >= 0) {
                return;
            }
            if (count == endpoints.length) {
                endpoints = Arrays.copyOf(endpoints, 2 * count);
                inodes = Arrays.copyOf(inodes, 2 * count);
            }
            endpoints[count] = endpoint;
            inodes[count++] = inode;
        }

        private int indexOf(long endpoint) {
            for (int i = 0; i < count; i++) {
                if (endpoints[i] == endpoint) {
                    return i;
                }
            }
            return -1;
        }

        /**
         * A connection that the server has not accepted yet is established, but has no inode (0) until it is: then the
         * remote endpoint alone identifies it.
         */
        private static boolean sameInode(long one, long other) {
            return one == other || one == 0 || other == 0;
        }
    }
}
