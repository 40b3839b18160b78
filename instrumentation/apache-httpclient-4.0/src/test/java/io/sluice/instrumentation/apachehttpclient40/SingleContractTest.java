package io.sluice.instrumentation.apachehttpclient40;

class SingleContractTest extends KindContract {
    SingleContractTest() {
        super(Kind.SINGLE);
    }
}
