package io.sluice.instrumentation.vertx;

import io.vertx.core.AsyncResult;
import io.vertx.core.Future;
import io.vertx.core.Handler;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Members of Vert.x that cannot be named: their classes have other packages in Vert.x 4 and 5, or are not public. By name,
 * and by the number of parameters. Stateless but for what it has looked up; no method blocks.
 */
final class Reflect {
    private static final ClassValue<ConcurrentHashMap<String, Method>> METHODS =
            new ClassValue<ConcurrentHashMap<String, Method>>() {
                @Override
                protected ConcurrentHashMap<String, Method> computeValue(Class<?> type) {
                    return new ConcurrentHashMap<>();
                }
            };

    private Reflect() {}

    /** The value of a field, which the object's class or a superclass declares. */
    static @Nullable Object field(Object target, String name) throws ReflectiveOperationException {
        return declared(target, name).get(target);
    }

    private static Field declared(Object target, String name) throws NoSuchFieldException {
        for (Class<?> type = target.getClass(); type != null; type = type.getSuperclass()) {
            for (Field field : type.getDeclaredFields()) {
                if (field.getName().equals(name) && !Modifier.isStatic(field.getModifiers())) {
                    field.setAccessible(true);
                    return field;
                }
            }
        }
        throw new NoSuchFieldException(target.getClass().getName() + "." + name);
    }

    /** How many exchanges a slot of a {@code SimpleConnectionPool} takes at once; null for none. */
    static @Nullable Object concurrencyOfSlot(@Nullable Object slot) throws ReflectiveOperationException {
        if (slot == null) {
            return null;
        }
        try {
            return field(slot, "maxConcurrency"); // in 4.1 the other name is that of its present use
        } catch (NoSuchFieldException later) {
            return field(slot, "concurrency");
        }
    }

    /** Changes a field of the client's; its lock must be held. */
    static void set(Object target, String name, Object value) throws ReflectiveOperationException {
        declared(target, name).set(target, value);
    }

    /** The same, where a value must be there. */
    static Object required(Object target, String name) throws ReflectiveOperationException {
        Object value = field(target, name);
        if (value == null) {
            throw new NoSuchFieldException(target.getClass().getName() + "." + name + " is null");
        }
        return value;
    }

    /** Calls a method; what it throws is thrown. */
    static @Nullable Object call(Object target, String name, @Nullable Object... arguments) throws Throwable {
        try {
            return method(target.getClass(), name, arguments.length).invoke(target, arguments);
        } catch (InvocationTargetException e) {
            Throwable cause = e.getCause();
            throw cause == null ? e : cause;
        }
    }

    private static Method method(Class<?> type, String name, int parameters) throws NoSuchMethodException {
        ConcurrentHashMap<String, Method> known = METHODS.get(type);
        String key = name + parameters;
        Method found = known.get(key);
        if (found == null) {
            found = find(type, name, parameters);
            if (found == null) {
                throw new NoSuchMethodException(type.getName() + "." + name + " with " + parameters + " parameters");
            }
            found.setAccessible(true);
            known.put(key, found);
        }
        return found;
    }

    /** A public method before others of the same name; those that are inherited last. */
    private static @Nullable Method find(Class<?> type, String name, int parameters) {
        Method found = null;
        for (Class<?> one = type; one != null && found == null; one = one.getSuperclass()) {
            for (Method method : one.getDeclaredMethods()) {
                if (method.getName().equals(name)
                        && method.getParameterCount() == parameters
                        && !method.isBridge()
                        && !Modifier.isStatic(method.getModifiers())
                        && (found == null || Modifier.isPublic(method.getModifiers()))) {
                    found = method;
                }
            }
        }
        for (Class<?> one = type; one != null && found == null; one = one.getSuperclass()) {
            for (Class<?> parent : one.getInterfaces()) {
                found = found == null ? find(parent, name, parameters) : found;
            }
        }
        return found;
    }

    /** The event loop of a context: where a deferred call goes on, as worker threads may be blocked. */
    static Executor eventLoop(Object context) throws Throwable {
        Object eventLoop = call(context, "nettyEventLoop");
        if (eventLoop == null) {
            throw new IllegalStateException("no event loop");
        }
        return (Executor) eventLoop;
    }

    /** Tells a result to whatever takes one: a {@code Handler<AsyncResult>} up to Vert.x 4, a {@code Completable} in 5. */
    @SuppressWarnings("unchecked")
    static void complete(Object handler, AsyncResult<?> result) throws Throwable {
        if (handler instanceof Handler) {
            ((Handler<Object>) handler).handle(result);
        } else {
            call(handler, "complete", result.result(), result.cause());
        }
    }

    /** The same with a failure. */
    static void fail(Object handler, Throwable failure) throws Throwable {
        complete(handler, Future.failedFuture(failure));
    }

    /** A waiter of a pool that no pool knows: for a listener that wants to hear of a wait that is not the pool's. */
    static Object waiterBeside(Object clientPool, Object context) throws Throwable {
        String pools = clientPool.getClass().getName();
        String name = pools.substring(0, pools.lastIndexOf('.')) + ".PoolWaiter";
        Class<?> type = Class.forName(name, false, clientPool.getClass().getClassLoader());
        for (Constructor<?> constructor : type.getDeclaredConstructors()) {
            if (constructor.getParameterCount() == 4) {
                constructor.setAccessible(true);
                return constructor.newInstance(null, context, 0, null);
            }
        }
        throw new NoSuchMethodException(name);
    }

    /** What the program sees when a wait has lasted too long: what the client itself throws, under whatever name. */
    static Throwable timeout(Object clientObject, String message) {
        ClassLoader loader = clientObject.getClass().getClassLoader();
        for (String home : new String[] {"io.vertx.core.impl.", "io.vertx.core.http.impl."}) {
            try {
                Class<?> type = Class.forName(home + "NoStackTraceTimeoutException", false, loader);
                Constructor<?> constructor = type.getDeclaredConstructor(String.class);
                constructor.setAccessible(true);
                return (Throwable) constructor.newInstance(message);
            } catch (ReflectiveOperationException elsewhere) {
                // Some versions have it here, some there.
            }
        }
        return new TimeoutException(message);
    }
}
