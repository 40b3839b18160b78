package io.sluice.instrumentation.jdksockets;

import io.sluice.bridge.Sockets;
import io.sluice.instrumentation.api.ClientInstrumentation;
import io.sluice.instrumentation.api.Hook;
import java.net.Socket;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import java.util.List;
import net.bytebuddy.asm.Advice;
import org.jspecify.annotations.Nullable;

/** Hooks on the JDK's sockets; the same members on 8 to 27. */
public final class JdkSocketsInstrumentation implements ClientInstrumentation {
    private static final String HERE = "io.sluice.instrumentation.jdksockets.JdkSocketsInstrumentation$";

    @Override
    public String client() {
        return "jdk-sockets";
    }

    @Override
    public boolean support() {
        return true;
    }

    @Override
    public List<Hook> hooks() {
        return Arrays.asList(
                // connect(SocketAddress) and the connecting constructors end here; SSLSocket calls it for its own
                // socket.
                Hook.on("java.net.Socket")
                        .method("connect")
                        .descriptor("(Ljava/net/SocketAddress;I)V")
                        .advice(HERE + "ConnectAdvice"),
                // Layered sockets close the raw one beneath them, so every path of every blocking client passes here.
                Hook.on("java.net.Socket").method("close").descriptor("()V").advice(HERE + "CloseAdvice"),
                // Also for those who set it by channel.socket(). Optional: without it only a reset is noticed too
                // early.
                Hook.on("sun.nio.ch.SocketChannelImpl")
                        .method("setOption")
                        .descriptor("(Ljava/net/SocketOption;Ljava/lang/Object;)Ljava/nio/channels/SocketChannel;")
                        .optional()
                        .advice(HERE + "SetOptionAdvice"),
                Hook.on("sun.nio.ch.SocketChannelImpl")
                        .method("implCloseSelectableChannel")
                        .descriptor("()V")
                        .advice(HERE + "CloseChannelAdvice"),
                Hook.on("sun.nio.ch.SocketChannelImpl")
                        .method("kill")
                        .descriptor("()V")
                        .advice(HERE + "KillChannelAdvice"));
    }

    /** A socket of a blocking client connects. */
    public static final class ConnectAdvice {
        private ConnectAdvice() {}

        /** The socket is known before its first packet leaves. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static void enter(@Advice.This Socket socket) {
            Sockets.connecting(socket);
        }

        /** A socket that failed to connect was closed by its implementation, without {@code close()}. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.This Socket socket, @Advice.Thrown @Nullable Throwable thrown) {
            if (thrown != null) {
                Sockets.connectFailed(socket);
            }
        }
    }

    /** A socket is closed; at the exit the FIN or RST is sent. */
    public static final class CloseAdvice {
        private CloseAdvice() {}

        /** Also when {@code close()} threw: the descriptor is gone all the same. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.This Socket socket) {
            Sockets.closed(socket);
        }
    }

    /** An option of a channel is set. */
    public static final class SetOptionAdvice {
        private SetOptionAdvice() {}

        /** Remembers SO_LINGER of zero, which cannot be asked for any more when the channel is closed. */
        @Advice.OnMethodExit(suppress = Throwable.class)
        public static void exit(
                @Advice.This SocketChannel channel,
                @Advice.Argument(0) @Nullable SocketOption<?> option,
                @Advice.Argument(1) @Nullable Object value) {
            if (option == StandardSocketOptions.SO_LINGER) {
                Sockets.lingers(channel, value instanceof Integer && (Integer) value == 0);
            }
        }
    }

    /**
     * A channel is closed. A connected one has sent its FIN at the exit. One that is registered with a selector keeps its
     * descriptor until the selector lets go of it: meanwhile one that was still connecting may yet be accepted, and one
     * that is to be reset (SO_LINGER of zero) is still open to its peer.
     */
    public static final class CloseChannelAdvice {
        private CloseChannelAdvice() {}

        /** Remembers whether the channel will send its FIN, which nobody can tell afterwards. */
        @Advice.OnMethodEnter(suppress = Throwable.class)
        public static boolean enter(@Advice.This SocketChannel channel) {
            return channel.isConnected() && !Sockets.closesAbruptly(channel);
        }

        /** Counts the end of a channel that is closed by now. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.This SocketChannel channel, @Advice.Enter boolean sendsFin) {
            if (sendsFin || !channel.isRegistered()) {
                Sockets.closed(channel);
            }
        }
    }

    /** The selector let go of a closed channel: its descriptor is gone. */
    public static final class KillChannelAdvice {
        private KillChannelAdvice() {}

        /** Idempotent: most channels were counted when they were closed. */
        @Advice.OnMethodExit(onThrowable = Throwable.class, suppress = Throwable.class)
        public static void exit(@Advice.This SocketChannel channel) {
            if (!channel.isOpen()) {
                Sockets.closed(channel);
            }
        }
    }
}
