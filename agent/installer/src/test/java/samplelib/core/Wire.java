package samplelib.core;

/** A class of a core library that other libraries share. */
public final class Wire {
    private final String name;

    /** One of this name. */
    public Wire(String name) {
        this.name = name;
    }

    /** Its name. */
    public String name() {
        return name;
    }
}
