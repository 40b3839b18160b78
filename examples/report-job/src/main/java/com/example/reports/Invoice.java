package com.example.reports;

import java.io.StringReader;
import java.math.BigDecimal;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;

/** One invoice of the partner. */
class Invoice {
    private final BigDecimal amount;

    private Invoice(BigDecimal amount) {
        this.amount = amount;
    }

    static Invoice parse(String xml) throws Exception {
        Document document =
                DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(xml)));
        return new Invoice(
                new BigDecimal(document.getElementsByTagName("amount").item(0).getTextContent()));
    }

    BigDecimal amount() {
        return amount;
    }
}
