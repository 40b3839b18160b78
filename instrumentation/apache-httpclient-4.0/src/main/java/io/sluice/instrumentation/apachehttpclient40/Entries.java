package io.sluice.instrumentation.apachehttpclient40;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import org.apache.http.impl.conn.AbstractPoolEntry;

/** The entries of {@code ThreadSafeClientConnManager} and {@code SingleClientConnManager}. Stateless. */
final class Entries {
    private static final Method SHUTDOWN_ENTRY = shutdownEntry();

    private Entries() {}

    static boolean isOld(Object entry) {
        return entry instanceof AbstractPoolEntry;
    }

    /** Else the next exchange that finds the entry with a closed connection is told that it is open already. */
    static void forgetRoute(Object entry) {
        try {
            SHUTDOWN_ENTRY.invoke(entry);
        } catch (IllegalAccessException | InvocationTargetException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static Method shutdownEntry() {
        try {
            Method method = AbstractPoolEntry.class.getDeclaredMethod("shutdownEntry");
            method.setAccessible(true);
            return method;
        } catch (NoSuchMethodException impossible) {
            throw new IllegalStateException(impossible); // it is there from 4.0 to 4.5.14
        }
    }
}
