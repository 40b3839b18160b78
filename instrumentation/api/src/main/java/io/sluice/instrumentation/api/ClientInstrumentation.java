package io.sluice.instrumentation.api;

import java.util.Collections;
import java.util.List;

/**
 * One client library and where it takes, opens, returns and closes a connection.
 *
 * <p>Implementations are found by {@link java.util.ServiceLoader} through the agent's class loader: the binary name
 * stands in {@code META-INF/services/io.sluice.instrumentation.api.ClientInstrumentation}. They have a public
 * constructor without parameters. They are asked once, in premain, and answer with names only: to answer loads neither
 * Byte Buddy nor the client nor an advice class. No method blocks; one that throws leaves its client alone, with a
 * warning.
 */
public interface ClientInstrumentation {
    /**
     * The client's name in warnings and in the attribute {@code sluice.client} of a span: lower case, with the major
     * version where there are several, such as {@code apache-httpclient-4}.
     */
    String client();

    /** The hooks, in any order. Several may be on one class or even on one method. */
    List<Hook> hooks();

    /**
     * Binary names of ordinary classes of this instrumentation that its advice calls and that must see the client's
     * types. They are defined in every class loader that defines a hooked class of this client, before the first such
     * class is woven there, in this order (a superclass before its subclasses). None for a client in the bootstrap
     * loader, whose helpers lie at the root of the agent's jar.
     *
     * <p>A helper for a client in a named module must be in a package of that module: only then does the woven class
     * see it. If it extends or implements a type of the bridge, that package must be among {@link #opens}.
     */
    default List<String> helpers() {
        return Collections.emptyList();
    }

    /**
     * Packages of named modules into which {@code io.sluice.bridge}, or helpers beside it in the bootstrap loader, must
     * reflect or link, as {@code module/package}: {@code java.base/sun.net.www.http}. They are exported and opened to
     * that loader's unnamed module, and to nobody else, and their module reads it, before the first class of this client
     * is woven. Without effect on Java 8, where there are no modules.
     */
    default List<String> opens() {
        return Collections.emptyList();
    }

    /**
     * Whether these hooks only support those of clients, as the hook on {@code java.net.Socket.close} does. They are
     * dormant, though their classes may be loaded, until the first class of a client is woven: a program that speaks no
     * HTTP pays nothing for them.
     */
    default boolean support() {
        return false;
    }
}
