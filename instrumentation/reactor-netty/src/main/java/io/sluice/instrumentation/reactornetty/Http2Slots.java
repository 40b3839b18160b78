package io.sluice.instrumentation.reactornetty;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Takes a connection out of a {@code Http2Pool}, which the client has used for HTTP/2 since 1.0.14. The pool itself takes a
 * connection out of its queue whenever it looks at one, and puts it back once its stream is counted: whoever has taken one
 * without streams has it alone. Stateless.
 */
final class Http2Slots {
    private Http2Slots() {}

    /** Whether the connection had no stream and is in the pool no longer: the caller closes it. */
    static boolean claim(Object slot, Object pool) throws ReflectiveOperationException {
        Object queue = field(pool, "connections");
        if (queue == null) {
            return false; // the pool is closed, and has closed its connections
        }
        Method poll = method(pool, "pollSlot");
        Method offer = method(pool, "offerSlot");
        List<Object> others = new ArrayList<>(2);
        boolean found = false;
        try {
            for (Object next = poll.invoke(pool, queue); next != null && !found; ) {
                found = next == slot && concurrency(slot) == 0;
                if (!found) {
                    others.add(next);
                }
                next = found || next == slot ? null : poll.invoke(pool, queue);
            }
        } finally {
            for (Object other : others) {
                offer.invoke(pool, queue, other);
            }
        }
        if (found) {
            method(slot, "invalidate").invoke(slot);
        }
        if (found || !others.isEmpty()) {
            method(pool, "drain").invoke(pool); // for whoever looked meanwhile
        }
        return found;
    }

    private static int concurrency(Object slot) throws ReflectiveOperationException {
        return (Integer) method(slot, "concurrency").invoke(slot);
    }

    private static @Nullable Object field(Object target, String name) throws ReflectiveOperationException {
        for (Class<?> type = target.getClass(); type != null; type = type.getSuperclass()) {
            try {
                Field field = type.getDeclaredField(name);
                field.setAccessible(true);
                return field.get(target);
            } catch (NoSuchFieldException inherited) {
                // Http3Pool is one, too.
            }
        }
        throw new NoSuchFieldException(name);
    }

    private static Method method(Object target, String name) throws ReflectiveOperationException {
        for (Class<?> type = target.getClass(); type != null; type = type.getSuperclass()) {
            for (Method method : type.getDeclaredMethods()) {
                if (method.getName().equals(name) && !method.isBridge()) {
                    method.setAccessible(true);
                    return method;
                }
            }
        }
        throw new NoSuchMethodException(name);
    }
}
