package io.sluice.instrumentation.httpurlconnection.boot;

import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;

/** What the kernel says of a socket's other end. Known on Linux; elsewhere the answer is always no. */
final class TcpState {
    /** RFC 9293's CLOSE-WAIT, as {@code /proc/net/tcp} writes it: the peer's FIN has arrived. */
    private static final String CLOSE_WAIT = "08";

    private TcpState() {}

    /** Whether the peer has closed its side. Consumes nothing of what it sent. */
    static boolean peerHasClosed(Socket socket) {
        int local = socket.getLocalPort();
        int remote = socket.getPort();
        return local > 0
                && remote > 0
                && (listed("/proc/net/tcp", local, remote) || listed("/proc/net/tcp6", local, remote));
    }

    private static boolean listed(String table, int localPort, int remotePort) {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(new FileInputStream(table), "US-ASCII"))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                // "  12: 0100007F:9C40 0100007F:1F90 08 ..."
                String[] fields = line.trim().split(" +", 5);
                if (fields.length == 5
                        && fields[3].equals(CLOSE_WAIT)
                        && port(fields[1]) == localPort
                        && port(fields[2]) == remotePort) {
                    return true;
                }
            }
        } catch (IOException notLinux) {
            return false;
        }
        return false;
    }

    private static int port(String address) {
        int colon = address.lastIndexOf(':');
        try {
            return colon < 0 ? -1 : Integer.parseInt(address.substring(colon + 1), 16);
        } catch (NumberFormatException header) {
            return -1;
        }
    }
}
