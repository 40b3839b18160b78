package io.sluice.agent.child;

/** Prints one line; ends with the exit code that it was given, or by itself. */
public final class HelloWorld {

    private HelloWorld() {}

    /** Arguments: the exit code, or none. */
    public static void main(String[] arguments) {
        System.out.println("Hello, world");
        if (arguments.length > 0) {
            System.exit(Integer.parseInt(arguments[0]));
        }
    }
}
