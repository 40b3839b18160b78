package io.sluice.instrumentation.api;

/**
 * One place in a client: a method of a class, and the advice class that is inlined into it.
 *
 * <pre>{@code
 * Hook.on("sun.net.www.http.KeepAliveCache").method("put").descriptor("(Ljava/net/URL;Ljava/lang/Object;")
 *         .advice("io.sluice.instrumentation.huc.HttpUrlConnectionInstrumentation$ReturnedAdvice")
 * }</pre>
 *
 * <p>Immutable: every method returns another hook. A hook matches every method that its class itself declares with that
 * name, as far as descriptor and number of parameters agree, except abstract, native and bridge methods. A hook that
 * matches nothing means that the class is not the one we know, and its client is then left alone; {@link #optional}
 * says that the method is missing from some versions by right.
 */
public final class Hook {
    /** The method name of constructors, as in {@code hook.method(CONSTRUCTOR)}. */
    public static final String CONSTRUCTOR = "<init>";

    private static final int ANY = -1;

    private final String type;
    private final String method;
    private final String descriptor;
    private final int parameters;
    private final String advice;
    private final boolean optional;
    private final boolean typeRequired;

    private Hook(
            String type,
            String method,
            String descriptor,
            int parameters,
            String advice,
            boolean optional,
            boolean typeRequired) {
        this.type = type;
        this.method = method;
        this.descriptor = descriptor;
        this.parameters = parameters;
        this.advice = advice;
        this.optional = optional;
        this.typeRequired = typeRequired;
    }

    /** A hook on a class, by its binary name: {@code java.util.Map$Entry}. It still needs a method and an advice. */
    public static Hook on(String type) {
        return new Hook(type, "", "", ANY, "", false, false);
    }

    /** The same on another class, by its binary name: that of a copy of the client under other package names. */
    public Hook type(String name) {
        return new Hook(name, method, descriptor, parameters, advice, optional, typeRequired);
    }

    /** On methods of this name; {@link #CONSTRUCTOR} for constructors. */
    public Hook method(String name) {
        return new Hook(type, name, descriptor, parameters, advice, optional, typeRequired);
    }

    /**
     * Only on methods whose JVM descriptor begins so. A whole descriptor matches exactly that method, since no
     * descriptor is the beginning of another one.
     */
    public Hook descriptor(String beginning) {
        return new Hook(type, method, beginning, parameters, advice, optional, typeRequired);
    }

    /** Only on methods with so many parameters. */
    public Hook parameters(int count) {
        return new Hook(type, method, descriptor, count, advice, optional, typeRequired);
    }

    /** Inlines this class, given by its binary name: static methods with Byte Buddy's advice annotations. */
    public Hook advice(String className) {
        return new Hook(type, method, descriptor, parameters, className, optional, typeRequired);
    }

    /** The method may be missing: some versions of the client do without it. */
    public Hook optional() {
        return new Hook(type, method, descriptor, parameters, advice, true, typeRequired);
    }

    /**
     * The class is in every version of the client, and the limit needs it: where it is missing beside another hooked class
     * of the same package, the client is left alone. Other classes may be missing by right: some versions, and jars from
     * which unused classes were removed, do without them; but not those nested in a hooked class that is there.
     */
    public Hook requireType() {
        return new Hook(type, method, descriptor, parameters, advice, optional, true);
    }

    /** The binary name of the hooked class. */
    public String type() {
        return type;
    }

    /** The name of the hooked method. */
    public String method() {
        return method;
    }

    /** How the method's JVM descriptor begins; empty where any will do. */
    public String descriptor() {
        return descriptor;
    }

    /** The binary name of the advice class. */
    public String advice() {
        return advice;
    }

    /** Whether the method may be missing. */
    public boolean isOptional() {
        return optional;
    }

    /** Whether the class must be there. */
    public boolean isTypeRequired() {
        return typeRequired;
    }

    /**
     * Whether this hook is on such a method of its class.
     *
     * @param name the method's name, {@link #CONSTRUCTOR} for a constructor
     * @param methodDescriptor its whole JVM descriptor
     * @param parameterCount how many parameters the descriptor has
     */
    public boolean matches(String name, String methodDescriptor, int parameterCount) {
        return method.equals(name)
                && methodDescriptor.startsWith(descriptor)
                && (parameters == ANY || parameters == parameterCount);
    }

    /** The class and the method as messages show them. */
    @Override
    public String toString() {
        return type + "." + method + descriptor;
    }
}
